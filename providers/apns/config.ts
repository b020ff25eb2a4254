import { text, url, type Values, watchedSecretFile } from "../../runtime/config.ts";
import { providerVariables } from "../provider-config.ts";

export const apnsVariables = {
  ...providerVariables,
  APNS_ORIGIN: url(["https"], {
    default: "https://api.push.apple.com",
    reason:
      "where APNs is; https://api.sandbox.push.apple.com for devices with development builds (Apple: Sending notification requests to APNs)",
  }),
  APNS_KEY_FILE: watchedSecretFile({ reason: "the .p8 signing key from Apple's developer account, PEM" }),
  APNS_KEY_ID: text({ reason: "that key's id, ten characters" }),
  APNS_TEAM_ID: text({ reason: "the developer account's team id, ten characters" }),
  APNS_TOPIC: text({ reason: "the app's bundle id" }),
};
export type ApnsConfig = Values<typeof apnsVariables>;
