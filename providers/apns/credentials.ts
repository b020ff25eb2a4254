import { createSecureContext } from "node:tls";
import type { Clock } from "../../core/ports/clock.ts";
import { ConfigError } from "../../runtime/config.ts";
import type { ClientCertificate } from "../transport/provider-connections.ts";
import type { ApnsConfig } from "./config.ts";
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

function credentialsFault(config: ApnsConfig): string | undefined {
  const ofKey = ["APNS_KEY_FILE", "APNS_KEY_ID", "APNS_TEAM_ID"] as const;
  const missing = ofKey.filter((name) => config[name] === "");
  if (config.APNS_CERTIFICATE_FILE === "") {
    if (config.APNS_CERTIFICATE_PASSWORD_FILE !== "") return "APNS_CERTIFICATE_FILE: must be set with APNS_CERTIFICATE_PASSWORD_FILE";
    return missing[0] && `${missing[0]}: must be set, as all of ${ofKey.join(", ")}, unless APNS_CERTIFICATE_FILE is`;
  }
  if (missing.length < ofKey.length)
    return `APNS_CERTIFICATE_FILE: must not be set beside ${ofKey.join(", ")}: an account has a key or a certificate`;
  return undefined;
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
