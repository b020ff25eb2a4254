// Certificates as in a cluster: of the API server, of its front proxy, and of others.
import { generate } from "selfsigned";

export interface Pair {
  cert: string;
  key: string;
}
export interface Signer extends Pair {
  /** @param use its extended key usage */
  issue(commonName: string, use?: "client" | "server"): Promise<Pair>;
  /** An intermediate authority signed by this one. */
  intermediate(commonName: string): Promise<Signer>;
}

const ec = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

export const createSigner = (commonName: string): Promise<Signer> => signer(commonName);

async function signer(commonName: string, parent?: Pair): Promise<Signer> {
  const made = await generate([{ name: "commonName", value: commonName }], {
    ...ec,
    ...(parent ? { ca: { key: parent.key, cert: parent.cert } } : {}),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const pair = { cert: made.cert, key: made.private };
  return {
    ...pair,
    intermediate: (name) => signer(name, pair),
    async issue(name, use = "client") {
      const leaf = await generate([{ name: "commonName", value: name }], {
        ...ec,
        ca: { key: pair.key, cert: pair.cert },
        extensions: [
          { name: "basicConstraints", cA: false },
          { name: "keyUsage", digitalSignature: true },
          use === "client" ? { name: "extKeyUsage", clientAuth: true } : { name: "extKeyUsage", serverAuth: true },
          {
            name: "subjectAltName",
            altNames: [
              { type: 2, value: "localhost" },
              { type: 7, ip: "127.0.0.1" },
            ],
          },
        ],
      });
      return { cert: leaf.cert, key: leaf.private };
    },
  };
}
