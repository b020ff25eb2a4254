import { flag, listOf, text, url, type Values, watchedSecretBytes, watchedSecretFile } from "../../runtime/config.ts";
import { providerVariables } from "../provider-config.ts";

export const apnsVariables = {
  ...providerVariables,
  APNS_ORIGIN: url(["https"], {
    default: "https://api.push.apple.com",
    reason: "where APNs is, for tokens of production (Apple: Sending notification requests to APNs)",
  }),
  APNS_DEVELOPMENT_ORIGIN: url(["https"], {
    default: "https://api.sandbox.push.apple.com",
    reason: "the same for tokens of development builds, which were registered with apns_environment",
  }),
  APNS_KEY_FILE: watchedSecretFile({
    default: "",
    reason: "the .p8 signing key from Apple's developer account, PEM; empty: APNS_CERTIFICATE_FILE",
  }),
  APNS_KEY_ID: text({ default: "", reason: "that key's id, ten characters" }),
  APNS_TEAM_ID: text({ default: "", reason: "the developer account's team id, ten characters" }),
  APNS_CERTIFICATE_FILE: watchedSecretBytes({
    default: "",
    reason: "a certificate with its key, PKCS 12 (.p12), instead of a signing key: for one app, and valid for a year",
  }),
  APNS_CERTIFICATE_PASSWORD_FILE: watchedSecretFile({ default: "", reason: "the password of that file; empty: it has none" }),
  APNS_TOPIC: listOf((id) => /^[A-Za-z0-9.-]{1,155}$/.test(id), "bundle ids", {
    default: "",
    reason: "the bundle ids of the account's apps, comma between; the first is for tokens that were registered without an application",
  }),
  APNS_DATA_AT_ROOT: flag({
    default: "false",
    reason:
      "the keys of a push's data stand beside aps, for applications written for another sender, instead of under data; aps, carillon, image, url and actions are taken then",
  }),
};
export type ApnsConfig = Values<typeof apnsVariables>;

/** Why credentials cannot be used as configured; undefined where they can. Names variables, never values. */
export function credentialsFault(config: ApnsConfig): string | undefined {
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
