import { choice, integer, text, url, type Values, watchedSecretFile } from "../../runtime/config.ts";
import { isLoopback } from "../../runtime/loopback.ts";
import { emailSenderVariables } from "../email-config.ts";
import { providerVariables } from "../provider-config.ts";

export const smtpVariables = {
  ...providerVariables,
  ...emailSenderVariables,
  SMTP_HOST: text({ default: "", reason: "host name or address of the relay" }),
  SMTP_PORT: integer(1, 65_535, { default: "587", reason: "587 is the submission port (RFC 6409), 465 the one with TLS (RFC 8314)" }),
  SMTP_SECURITY: choice(["tls", "starttls", "none"], {
    default: "starttls",
    reason: "tls: from the first byte; starttls: required, never skipped; none: not encrypted, credentials only to loopback addresses",
  }),
  SMTP_USER: text({ default: "", reason: "user to authenticate as; empty: no authentication" }),
  SMTP_PASSWORD_FILE: watchedSecretFile({ default: "", reason: "the user's password; empty where OAuth 2.0 is used" }),
  SMTP_OAUTH2_ACCESS_TOKEN_FILE: watchedSecretFile({
    default: "",
    reason: "access token for XOAUTH2, renewed by the program that writes the file; empty: fetched with the refresh token",
  }),
  SMTP_OAUTH2_CLIENT_ID: text({ default: "", reason: "client id for the refresh token" }),
  SMTP_OAUTH2_CLIENT_SECRET_FILE: watchedSecretFile({ default: "", reason: "client secret for the refresh token" }),
  SMTP_OAUTH2_REFRESH_TOKEN_FILE: watchedSecretFile({ default: "", reason: "refresh token that access tokens are fetched with" }),
  SMTP_OAUTH2_TOKEN_URL: url(["https", "http"], {
    default: "https://oauth2.googleapis.com/token",
    reason: "where access tokens are fetched; Google's endpoint unless set; http: only at loopback addresses",
  }),
};
export type SmtpConfig = Values<typeof smtpVariables>;

/** Why credentials cannot be used as configured; undefined where they can. Names variables, never values. */
export function credentialsFault(config: SmtpConfig): string | undefined {
  const hasOAuth2 = config.SMTP_OAUTH2_ACCESS_TOKEN_FILE !== "" || config.SMTP_OAUTH2_REFRESH_TOKEN_FILE !== "";
  const hasPassword = config.SMTP_PASSWORD_FILE !== "";
  if (config.SMTP_USER === "") {
    return hasPassword || hasOAuth2 ? "SMTP_USER: must be set where a password or OAuth 2.0 is configured" : undefined;
  }
  if (hasPassword === hasOAuth2)
    return "SMTP_PASSWORD_FILE: SMTP_USER needs either a password or SMTP_OAUTH2_ACCESS_TOKEN_FILE or SMTP_OAUTH2_REFRESH_TOKEN_FILE";
  if (config.SMTP_SECURITY === "none" && !isLoopback(config.SMTP_HOST))
    return "SMTP_SECURITY: must be tls or starttls: credentials are sent without encryption only to loopback addresses";
  const tokenUrl = new URL(config.SMTP_OAUTH2_TOKEN_URL);
  if (config.SMTP_OAUTH2_REFRESH_TOKEN_FILE !== "" && tokenUrl.protocol === "http:" && !isLoopback(tokenUrl.hostname))
    return "SMTP_OAUTH2_TOKEN_URL: must begin with https: unless it is at a loopback address";
  return undefined;
}
