// Authorities and certificates like those of cert-manager, and a mounted Secret that is replaced as the kubelet does.
import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate } from "selfsigned";

export interface Pair {
  cert: string;
  key: string;
}
export interface Authority extends Pair {
  /** For `localhost` unless `names` says otherwise. */
  issue(options?: { validFrom?: number; validTo?: number; names?: readonly string[] }): Promise<Pair>;
}

const DAY_MS = 86_400_000;
const ec = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

export async function createAuthority(name: string, { validTo = Date.now() + DAY_MS } = {}): Promise<Authority> {
  const ca = await generate([{ name: "commonName", value: name }], {
    ...ec,
    notBeforeDate: new Date(Math.min(Date.now(), validTo) - DAY_MS),
    notAfterDate: new Date(validTo),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return {
    cert: ca.cert,
    key: ca.private,
    async issue({ validFrom = Date.now() - DAY_MS, validTo = Date.now() + DAY_MS, names = ["localhost"] } = {}) {
      const leaf = await generate([{ name: "commonName", value: "carillon" }], {
        ...ec,
        ca: { key: ca.private, cert: ca.cert },
        notBeforeDate: new Date(validFrom),
        notAfterDate: new Date(validTo),
        extensions: [
          { name: "basicConstraints", cA: false },
          { name: "keyUsage", digitalSignature: true },
          { name: "extKeyUsage", serverAuth: true, clientAuth: true },
          { name: "subjectAltName", altNames: names.map((value) => ({ type: 2, value })) },
        ],
      });
      return { cert: leaf.cert, key: leaf.private };
    },
  };
}

export interface MountedSecret {
  path(file: string): string;
  /** All files at once. */
  replace(files: Readonly<Record<string, string>>): void;
}

/** A volume as the kubelet writes it: each file a link into ..data, and that a link to a folder of its own for every version. */
export function mountSecret(directory: string, files: Readonly<Record<string, string>>): MountedSecret {
  let version = 0;
  const data = join(directory, "..data");
  const write = (held: Readonly<Record<string, string>>) => {
    const folder = `..version_${++version}`;
    mkdirSync(join(directory, folder), { recursive: true });
    for (const [name, text] of Object.entries(held)) writeFileSync(join(directory, folder, name), text);
    symlinkSync(folder, `${data}_tmp`);
    renameSync(`${data}_tmp`, data);
  };
  write(files);
  for (const name of Object.keys(files)) symlinkSync(join("..data", name), join(directory, name));
  return {
    path: (file) => join(directory, file),
    replace(held) {
      const before = readlinkSync(data);
      write(held);
      rmSync(join(directory, before), { recursive: true });
    },
  };
}
