import { choice, flag, integer, text, url, type Values, type Variable, watchedSecretFile } from "../../runtime/config.ts";
import { tokensFile } from "../../runtime/internal-tokens.ts";
import { isLoopback } from "../../runtime/loopback.ts";
import { emailSenderVariables } from "../email-config.ts";
import { providerVariables } from "../provider-config.ts";

/** The local part of a return path has up to 60 characters, and a path 254 (RFC 5321, section 4.5.3.1.3). */
const BOUNCE_DOMAIN_CHARS_MAX = 190;
const DOMAIN = /^(?=.*\.)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const bounceDomain = text({
  default: "",
  reason:
    "domain of the envelope sender, of which each attempt has an address of its own, so that its bounces become receipts; its mail must be routed to FEEDBACK_LMTP_LISTEN; empty: the envelope has the mail's sender, and bounces go there",
});

/** What return paths are made of and verified with: shared by the dispatcher and feedback. */
export const smtpBounceVariables = {
  SMTP_BOUNCE_DOMAIN: {
    ...bounceDomain,
    type: "domain, in lower case and ASCII",
    parse(given) {
      if (given !== "" && (given.length > BOUNCE_DOMAIN_CHARS_MAX || !DOMAIN.test(given)))
        throw new Error(
          `must be a domain in lower case and ASCII as bounces.example.org, of at most ${BOUNCE_DOMAIN_CHARS_MAX} characters`,
        );
      return given;
    },
  } satisfies Variable<string>,
  SMTP_BOUNCE_KEY_FILE: tokensFile({
    default: "",
    reason:
      "signs return paths, so that nobody can forge bounces. One key, or two while one replaces the other: the first signs, both verify",
  }),
};

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
  ...smtpBounceVariables,
  SMTP_DSN_SUCCESS: flag({
    default: "false",
    reason: "whether relays are asked to report deliveries too, and not only failures and delays: a mail back for each mail",
  }),
};
export type SmtpConfig = Values<typeof smtpVariables>;

/** Why bounces cannot be taken as configured; undefined where they can, or where there are none. */
export function bounceFault(config: Values<typeof smtpBounceVariables>): string | undefined {
  const hasKey = config.SMTP_BOUNCE_KEY_FILE.length > 0;
  if (hasKey === (config.SMTP_BOUNCE_DOMAIN !== "")) return undefined;
  return hasKey
    ? "SMTP_BOUNCE_DOMAIN: must be set, because SMTP_BOUNCE_KEY_FILE is"
    : "SMTP_BOUNCE_KEY_FILE: must be set, because SMTP_BOUNCE_DOMAIN is";
}

/** Why credentials cannot be used as configured; undefined where they can. Names variables, never values. */
export function credentialsFault(config: SmtpConfig): string | undefined {
  const fault = bounceFault(config);
  if (fault !== undefined) return fault;
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
