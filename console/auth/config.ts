import { ConfigError, list, secretFile, text, url, type Values, type Variable } from "../../runtime/config.ts";
import { tokensFile } from "../../runtime/internal-tokens.ts";
import { isLoopback } from "../../runtime/loopback.ts";
import { publicUrl } from "../../runtime/public-url.ts";
import { referenceKeyVariables } from "./references.ts";

/** A new one each month for a year and more; sessions last hours, so two are enough while one replaces the other. */
const KEYS_MAX = 20;

export const sessionKeyVariables = {
  CONSOLE_KEYS_FILE: tokensFile({
    max: KEYS_MAX,
    default: "",
    reason:
      "seals the sessions of the console in cookies, the same for every replica. The first key seals, each opens: add a new one at the end, put it first once every pod has read it, and " +
      "remove the old one 8 h later; removing it at once ends every session that it sealed. Empty: a key that this process makes, for one process without OIDC",
  }),
};

/** With the slash at its end, where it has one: it is compared with what the issuer says of itself. */
function issuerUrl({ reason }: { reason: string }): Variable<string> {
  const variable = url(["https", "http"], { default: "", reason });
  return { ...variable, parse: (given) => (given === "" ? "" : variable.parse(given)) };
}

export const authVariables = {
  ...sessionKeyVariables,
  ...referenceKeyVariables,
  CONSOLE_URL: publicUrl({
    reason:
      "where browsers reach the console, without a path: https, behind an ingress that ends TLS; http: only at loopback addresses. Empty: only with CONSOLE_LISTEN at a loopback address, where a one-time link signs in",
  }),
  CONSOLE_OIDC_ISSUER: issuerUrl({
    reason:
      "OpenID Connect issuer that says who signs in (https; http: only at loopback addresses); its /.well-known/openid-configuration is read at each sign-in. Empty: one-time links, which only a console at a loopback address takes",
  }),
  CONSOLE_OIDC_CLIENT_ID: text({
    default: "",
    reason: "the console's id at the issuer; its redirect URL there is CONSOLE_URL/login/callback",
  }),
  CONSOLE_OIDC_CLIENT_SECRET_FILE: secretFile({ default: "", reason: "its secret; empty: a public client, by PKCE alone" }),
  CONSOLE_OIDC_SCOPES: text({ default: "openid profile email", reason: "what is asked for, with spaces between; openid must be in it" }),
  CONSOLE_NAME_CLAIM: text({
    default: "email",
    reason:
      "claim of the ID token that names people in the log of actions; `sub` where it is missing, and in the place of an address that is not verified",
  }),
  CONSOLE_ROLE_CLAIM: text({
    default: "groups",
    reason: "claim of the ID token with the groups or roles of a person, a text or a list of texts; the name as a whole, not a path",
  }),
  CONSOLE_VIEWERS: list(undefined, {
    default: "",
    reason: "values of CONSOLE_ROLE_CLAIM that make a viewer, who sees masked data. Whoever has no value of the three lists may not enter",
  }),
  CONSOLE_SUPPORT: list(undefined, {
    default: "",
    reason: "values that make support, who may besides see one person unmasked, with a reason",
  }),
  CONSOLE_OPERATORS: list(undefined, { default: "", reason: "values that make an operator, who may besides change things" }),
};
export type AuthConfig = Values<typeof authVariables>;

const isHere = (address: string) => isLoopback(new URL(address).hostname);

/**
 * Throws a ConfigError where nobody could sign in as configured, or where it would not be safe.
 * @param listenHost the address the console listens on
 */
export function requireAuth(config: AuthConfig, listenHost: string): void {
  const { CONSOLE_URL: base, CONSOLE_OIDC_ISSUER: issuer } = config;
  const faults: string[] = [];
  const check = (holds: boolean, fault: string) => holds || faults.push(fault);
  if (base !== "") {
    check(new URL(base).protocol === "https:" || isHere(base), "CONSOLE_URL: must begin with https: unless it is at a loopback address");
    check(new URL(base).pathname === "/", "CONSOLE_URL: must have no path, because the session's cookie is for all of its host");
  }
  if (issuer === "")
    check(
      isLoopback(listenHost),
      "CONSOLE_OIDC_ISSUER: must be set, because CONSOLE_LISTEN is not a loopback address; one-time links are for one machine",
    );
  else {
    check(
      new URL(issuer).protocol === "https:" || isHere(issuer),
      "CONSOLE_OIDC_ISSUER: must begin with https: unless it is at a loopback address",
    );
    check(base !== "", "CONSOLE_URL: must be set, because CONSOLE_OIDC_ISSUER is: the issuer sends people back to it");
    check(config.CONSOLE_OIDC_CLIENT_ID !== "", "CONSOLE_OIDC_CLIENT_ID: must be set, because CONSOLE_OIDC_ISSUER is");
    check(config.CONSOLE_KEYS_FILE.length > 0, "CONSOLE_KEYS_FILE: must be set, because CONSOLE_OIDC_ISSUER is");
    check(config.CONSOLE_OIDC_SCOPES.split(/ +/).includes("openid"), "CONSOLE_OIDC_SCOPES: must have openid in it");
    check(
      config.CONSOLE_VIEWERS.length + config.CONSOLE_SUPPORT.length + config.CONSOLE_OPERATORS.length > 0,
      "CONSOLE_OPERATORS, CONSOLE_SUPPORT or CONSOLE_VIEWERS: must hold a value, or nobody may enter",
    );
  }
  if (faults.length > 0) throw new ConfigError(faults);
}
