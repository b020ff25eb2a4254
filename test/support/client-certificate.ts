import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "./certificates.ts";

export interface ClientCertificateFiles {
  /** PEM. */
  cert: string;
  /** PKCS 12 with certificate and key. */
  file: string;
  passwordFile: string;
}

/** A client certificate as Apple's developer account gives them: PKCS 12 under a password. Written by OpenSSL's command line. */
export async function makeClientCertificate(directory: string, name: string): Promise<ClientCertificateFiles> {
  const { cert, key } = await (await createAuthority("Apple Worldwide Developer Relations of the test")).issue();
  const [pem, file, passwordFile] = [`${name}.pem`, `${name}.p12`, `${name}.password`].map((file) => join(directory, file)) as [
    string,
    string,
    string,
  ];
  writeFileSync(pem, `${key}\n${cert}`);
  writeFileSync(passwordFile, `password-of-${name}`);
  execFileSync("openssl", ["pkcs12", "-export", "-in", pem, "-out", file, "-passout", `file:${passwordFile}`]);
  return { cert, file, passwordFile };
}
