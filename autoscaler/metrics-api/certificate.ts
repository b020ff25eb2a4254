import { generate } from "selfsigned";
import { OperatorError } from "../../runtime/operator-error.ts";
import { readTlsFiles, tlsFaults } from "../../runtime/tls/tls-files.ts";

/** Where the server certificate comes from. */
export type CertificateSource =
  | { kind: "self-signed" }
  /** PEM; reloaded when they change. */
  | { kind: "files"; certFile: string; keyFile: string };

/** PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

const DAY_MS = 86_400_000;
/** Longer than any pod lives. A client that skips verification does not check dates either. */
const VALID_MS = 3_650 * DAY_MS;

class CertificateError extends OperatorError {
  override name = "CertificateError";
}

/** Reads the files. Throws a CertificateError where they cannot be used. @param now ms since the epoch */
export function readCertificate({ certFile, keyFile }: { certFile: string; keyFile: string }, now: number): Certificate {
  const files = {
    cert: { name: "AUTOSCALER_METRICS_API_CERT_FILE", path: certFile },
    key: { name: "AUTOSCALER_METRICS_API_KEY_FILE", path: keyFile },
  };
  const texts = readTlsFiles(files);
  if (typeof texts === "string") throw new CertificateError(texts);
  const faults = tlsFaults(files, texts, now);
  if (faults.length > 0) throw new CertificateError(faults.join("\n"));
  return { cert: texts.cert.toString(), key: texts.key.toString() };
}

/** For an APIService with insecureSkipTLSVerify. @param now ms since the epoch */
export async function selfSigned(now: number): Promise<Certificate> {
  const made = await generate([{ name: "commonName", value: "carillon-autoscaler" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + VALID_MS),
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
    ],
  });
  return { cert: made.cert, key: made.private };
}
