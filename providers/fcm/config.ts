import { url, type Values, watchedSecretFile } from "../../runtime/config.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import { providerVariables } from "../provider-config.ts";

export const fcmVariables = {
  ...providerVariables,
  FCM_ORIGIN: url(["https"], { default: "https://fcm.googleapis.com", reason: "where FCM's HTTP v1 API is (Firebase: REST reference)" }),
  FCM_TOKEN_URL: url(["https"], {
    default: "https://oauth2.googleapis.com/token",
    reason: "where the service account's key is exchanged for access tokens (Google Identity: OAuth 2.0 for server to server applications)",
  }),
  FCM_SERVICE_ACCOUNT_FILE: watchedSecretFile({ reason: "the service account's key, JSON, as downloaded from Firebase's console" }),
};
export type FcmConfig = Values<typeof fcmVariables>;

export interface ServiceAccount {
  projectId: string;
  clientEmail: string;
  /** PEM. */
  privateKey: string;
}

/** Throws an Error that names what is missing, never what is there. */
export function parseServiceAccount(json: string): ServiceAccount {
  const fields = parseObject(json);
  const field = (name: string) => {
    const value = fields[name];
    if (typeof value === "string" && value !== "") return value;
    throw new Error(`FCM_SERVICE_ACCOUNT_FILE has no ${name}`);
  };
  return { projectId: field("project_id"), clientEmail: field("client_email"), privateKey: field("private_key") };
}

function parseObject(json: string): Record<string, unknown> {
  const value = parseJson(json);
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new Error("FCM_SERVICE_ACCOUNT_FILE holds no JSON object");
}
