import { createSecureContext } from "node:tls";
import type { Clock } from "../../core/ports/clock.ts";
import { ConfigError } from "../../runtime/config.ts";
import type { ClientCertificate } from "../transport/provider-connections.ts";
import { type ApnsConfig, credentialsFault } from "./config.ts";
import { createSigningToken, type SigningToken } from "./signing-token.ts";

/** What an account proves itself by: a token that goes with each push, or a certificate that its connections are made with. */
export type ApnsCredentials = { token: SigningToken; certificate?: undefined } | { token?: undefined; certificate: ClientCertificate };

/** Throws where neither or both are configured, or cannot be used. Errors name variables, never values. */
export function createApnsCredentials(config: ApnsConfig, clock: Clock): ApnsCredentials {
  const fault = credentialsFault(config);
  if (fault !== undefined) throw new ConfigError([fault]);
  if (config.APNS_CERTIFICATE_FILE !== "") return { certificate: readCertificate(config) };
  const key = { key: config.APNS_KEY_FILE, keyId: config.APNS_KEY_ID, teamId: config.APNS_TEAM_ID };
  return { token: createSigningToken(key, clock) };
}

function readCertificate(config: ApnsConfig): ClientCertificate {
  const pfx = Buffer.from(config.APNS_CERTIFICATE_FILE, "base64");
  const passphrase = config.APNS_CERTIFICATE_PASSWORD_FILE;
  try {
    createSecureContext({ pfx, passphrase });
  } catch (error) {
    // OpenSSL's message may quote what it read; this one says what to do about what Keychain Access writes.
    const isLegacy = /unsupported/i.test(String(error));
    const form = isLegacy
      ? "is encrypted as OpenSSL 3 does not read it; write it again with `openssl pkcs12 -legacy`"
      : "holds no certificate with its key that APNS_CERTIFICATE_PASSWORD_FILE opens";
    throw new ConfigError([`APNS_CERTIFICATE_FILE: the file ${form}`]);
  }
  return { pfx, passphrase };
}
