import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";

/** Paths of a certificate chain, its key and the trusted CAs, and the variables that name them. All PEM. */
export interface TlsFiles {
  cert: NamedPath;
  key: NamedPath;
  /** Undefined: no peer certificate is checked. */
  ca?: NamedPath | undefined;
}
export interface NamedPath {
  /** The environment variable; faults name it and not the path. */
  name: string;
  path: string;
}

/** The contents of the files at one moment. */
export interface TlsTexts {
  cert: Buffer;
  key: Buffer;
  ca: Buffer | undefined;
}

/** Files are usually replaced at most once or twice during a read; more frequent changes are not waited for. */
const READS_MAX = 5;

/**
 * All files as of one moment. Mounted Secrets are replaced together, by one symbolic link, and an old certificate does not match a new key,
 * so the files are read until two reads agree. Returns a string if a file cannot be read.
 */
export function readTlsFiles(files: TlsFiles): TlsTexts | string {
  const read = ({ name, path }: NamedPath): Buffer => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new UnreadableError(`${name}: the file cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  };
  const readAll = (): TlsTexts => ({ cert: read(files.cert), key: read(files.key), ca: files.ca && read(files.ca) });
  try {
    let texts = readAll();
    for (let reads = 1; reads < READS_MAX; reads++) {
      const again = readAll();
      if (isSame(texts, again)) return again;
      texts = again;
    }
    return texts;
  } catch (error) {
    if (error instanceof UnreadableError) return error.message;
    throw error;
  }
}
class UnreadableError extends Error {}

export const isSame = (a: TlsTexts, b: TlsTexts): boolean =>
  a.cert.equals(b.cert) && a.key.equals(b.key) && (a.ca === undefined || b.ca === undefined ? a.ca === b.ca : a.ca.equals(b.ca));

/** Why these texts cannot be used at `now` (ms since the epoch), one line each beginning with the variable. They contain nothing of a key. */
export function tlsFaults(files: TlsFiles, texts: TlsTexts, now: number): string[] {
  const chain = certificatesOf(texts.cert);
  const key = privateKey(texts.key);
  const authorities = texts.ca && certificatesOf(texts.ca);
  const faults: string[] = [];
  const leaf = typeof chain === "string" ? undefined : chain[0];
  if (typeof chain === "string") faults.push(`${files.cert.name}: ${chain}`);
  else faults.push(...dateFaults(chain[0]!, now).map((fault) => `${files.cert.name}: ${fault}`));
  if (typeof key === "string") faults.push(`${files.key.name}: ${key}`);
  else if (leaf && !leaf.checkPrivateKey(key))
    faults.push(`${files.key.name}: the key does not belong to the certificate of ${files.cert.name}`);
  if (files.ca && authorities !== undefined) {
    if (typeof authorities === "string") faults.push(`${files.ca.name}: ${authorities}`);
    else if (authorities.every((authority) => dateFaults(authority, now).length > 0))
      faults.push(
        `${files.ca.name}: ${authorities.length === 1 ? "" : "of all its certificates, the first: "}${dateFaults(authorities[0]!, now)[0]}`,
      );
  }
  return faults.length > 0 ? faults : opensslFaults(files, texts);
}

/** When the first certificate of a chain ends, in ms since the epoch. */
export const expiresAt = (chain: Buffer): number => Date.parse(new X509Certificate(chain).validTo);

function dateFaults(certificate: X509Certificate, now: number): string[] {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (now > to) return [`the certificate expired at ${new Date(to).toISOString()}; issue a new one`];
  if (now < from) return [`the certificate is not valid before ${new Date(from).toISOString()}; is this machine's clock right?`];
  return [];
}

const BLOCK = /^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gm;

/** Every certificate of a PEM file, at least one; or what is wrong with it. */
export function certificatesOf(pem: Buffer): X509Certificate[] | string {
  const text = pem.toString("latin1");
  const blocks = text.match(BLOCK) ?? [];
  // OpenSSL silently ignores a block that begins within a line.
  if (blocks.length < text.split("BEGIN CERTIFICATE").length - 1) return "a certificate in the file does not begin on a line of its own";
  if (blocks.length === 0) return "the file holds no PEM certificate";
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return "a certificate in the file cannot be parsed";
  }
}

function privateKey(pem: Buffer): KeyObject | string {
  try {
    return createPrivateKey(pem);
  } catch {
    return /ENCRYPTED/.test(pem.toString("latin1"))
      ? "the key is encrypted; keys with a passphrase are not supported"
      : "the file holds no PEM private key";
  }
}

/** OpenSSL has rules of its own, such as how short a key may be. */
function opensslFaults(files: TlsFiles, texts: TlsTexts): string[] {
  try {
    createSecureContext(texts);
    return [];
  } catch (error) {
    return [`${files.cert.name}: OpenSSL rejects it (${(error as NodeJS.ErrnoException).code ?? "no code"})`];
  }
}
