import { readFileSync } from "node:fs";
import { ChannelCredentials } from "@grpc/grpc-js";
import type { Environment } from "../../runtime/config.ts";
import type { ClientParts } from "../../runtime/grpc/client.ts";
import { certificatesOf, tlsFaults } from "../../runtime/tls/tls-files.ts";
import { fail, type Invocation, text } from "../command.ts";

export const TLS_OPTIONS = {
  tls: { type: "boolean" },
  "tls-ca-file": { type: "string" },
  "tls-cert-file": { type: "string" },
  "tls-key-file": { type: "string" },
} as const;
export const TLS_USAGE = "[--tls] [--tls-ca-file FILE] [--tls-cert-file FILE --tls-key-file FILE]";

/**
 * TLS to the gateway, if --tls, CARILLON_TLS or any of the files is given. Without a CA file the system's CAs are trusted; without a
 * certificate the client presents none. Throws a UsageError if the files cannot be used.
 */
export function gatewayTls(values: Invocation["values"], env: Environment): ClientParts["tls"] {
  const file = (option: "tls-ca-file" | "tls-cert-file" | "tls-key-file", variable: string) => {
    const given = text(values[option]);
    const path = given ?? env[variable] ?? "";
    return path === "" ? undefined : read({ name: given === undefined ? variable : `--${option}`, path });
  };
  const ca = file("tls-ca-file", "CARILLON_TLS_CA_FILE");
  const cert = file("tls-cert-file", "CARILLON_TLS_CERT_FILE");
  const key = file("tls-key-file", "CARILLON_TLS_KEY_FILE");
  const isWanted = values.tls === true || env.CARILLON_TLS === "true" || (ca ?? cert ?? key) !== undefined;
  if (!isWanted) return undefined;
  const authorities = ca && certificatesOf(ca.pem);
  if (typeof authorities === "string") fail(`${ca?.name}: ${authorities}`);
  if (!cert !== !key) fail("--tls-cert-file and --tls-key-file must be given together");
  if (cert && key) {
    const [fault] = tlsFaults({ cert, key, ca }, { cert: cert.pem, key: key.pem, ca: ca?.pem }, Date.now());
    if (fault) fail(fault);
  }
  return { forClient: () => ChannelCredentials.createSsl(ca?.pem, key?.pem, cert?.pem) };
}

function read({ name, path }: { name: string; path: string }) {
  try {
    return { name, path, pem: readFileSync(path) };
  } catch (error) {
    return fail(`${name}: the file cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
