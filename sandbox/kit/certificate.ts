import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { generate } from "selfsigned";
import { replaceFile } from "./files.ts";

/** In PEM. */
export interface ServerCertificate {
  key: string;
  cert: string;
}
export interface Certificate {
  server: ServerCertificate;
  /** The certificate authority that clients must trust. */
  caFile: string;
}

const DAY_MS = 86_400_000;
const VALID_MS = 90 * DAY_MS;

/** Besides loopback: the providers' own host names, for clients that keep them and route their connections here. */
const HOSTS = ["localhost", "api.push.apple.com", "fcm.googleapis.com", "oauth2.googleapis.com", "updates.push.services.mozilla.com"];

/**
 * The directory's certificate and its authority; created again where it is missing, expires within a day, or lacks a name.
 * @param names host names it must be valid for, besides HOSTS
 */
export async function openCertificate(directory: string, now: number, names: readonly string[] = []): Promise<Certificate> {
  const caFile = join(directory, "ca.pem");
  const kept = read(directory, now, names);
  if (kept !== undefined) return { server: kept, caFile };
  const dates = { notBeforeDate: new Date(now - DAY_MS), notAfterDate: new Date(now + VALID_MS) };
  const ec = { keyType: "ec", curve: "P-256", algorithm: "sha256", ...dates } as const;
  const ca = await generate([{ name: "commonName", value: "Carillon sandbox authority" }], {
    ...ec,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: "commonName", value: "localhost" }], {
    ...ec,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [...[...HOSTS, ...names].map((value) => ({ type: 2 as const, value })), { type: 7, ip: "127.0.0.1" }],
      },
    ],
  });
  replaceFile(join(directory, "server-key.pem"), leaf.private);
  replaceFile(join(directory, "server.pem"), leaf.cert);
  replaceFile(caFile, ca.cert);
  return { server: { key: leaf.private, cert: leaf.cert }, caFile };
}

function read(directory: string, now: number, names: readonly string[]): ServerCertificate | undefined {
  try {
    const [key, cert, ca] = ["server-key.pem", "server.pem", "ca.pem"].map((name) => readFileSync(join(directory, name), "utf8"));
    if (key === undefined || cert === undefined || ca === undefined) return undefined;
    const leaf = new X509Certificate(cert);
    const isGood =
      leaf.verify(new X509Certificate(ca).publicKey) &&
      Date.parse(leaf.validTo) > now + DAY_MS &&
      names.every((name) => leaf.checkHost(name) !== undefined);
    return isGood ? { key, cert } : undefined;
  } catch {
    return undefined; // missing or damaged: created again
  }
}
