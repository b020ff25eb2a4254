import { type KeyObject, randomBytes } from "node:crypto";
import { isSignedBy, parseJwt } from "../kit/jwt.ts";
import { textOf } from "../kit/read.ts";
import { jsonAnswer, type WireAnswer, type WireRequest } from "../kit/simulator.ts";

export interface ServiceAccount {
  publicKey: KeyObject;
  clientEmail: string;
}

/** Google: "Using OAuth 2.0 for Server to Server Applications". */
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token";
const SCOPES = ["https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"];
const ASSERTION_LONGEST_S = 3_600;
const ACCESS_TOKEN_VALID_S = 3_599;
const CLOCK_SKEW_S = 60;
/** Tokens remembered; the oldest are dropped. */
const TOKENS_MAX = 10_000;

export interface OAuth<Account extends ServiceAccount = ServiceAccount> {
  exchange(request: WireRequest, tokenUrl: string): WireAnswer;
  /** Of whom the token is; undefined where it is not valid. */
  ownerOf(accessToken: string): Account | undefined;
  /** Revokes every token issued so far. */
  revoke(): void;
  /** Number of exchanges that returned a token. */
  issued(): number;
}

export function createOAuth<Account extends ServiceAccount>(accounts: () => readonly Account[], now: () => number): OAuth<Account> {
  const valid = new Map<string, { until: number; account: Account }>();
  let issued = 0;
  const reject = (error: string, error_description: string) => jsonAnswer(400, { error, error_description });

  return {
    ownerOf(accessToken) {
      const known = valid.get(accessToken);
      return known && known.until > now() ? known.account : undefined;
    },
    revoke: () => valid.clear(),
    issued: () => issued,
    exchange(request, tokenUrl) {
      const form = new URLSearchParams(request.body.toString());
      if (form.get("grant_type") !== GRANT_TYPE) return reject("unsupported_grant_type", "Invalid grant_type");
      const jwt = parseJwt(form.get("assertion") ?? "");
      if (jwt === undefined) return reject("invalid_grant", "Bad Request");
      const { iss, aud, scope, iat, exp } = jwt.claims;
      const account = accounts().find(({ clientEmail }) => clientEmail === iss);
      if (account === undefined) return reject("invalid_grant", "Invalid grant: account not found");
      if (!isSignedBy(jwt, "RS256", account.publicKey)) return reject("invalid_grant", "Invalid JWT Signature.");
      if (aud !== tokenUrl && aud !== GOOGLE_TOKEN_URL) return reject("invalid_grant", "Invalid JWT: Failed audience check.");
      const seconds = now() / 1_000;
      const isTimely =
        typeof iat === "number" &&
        typeof exp === "number" &&
        iat <= seconds + CLOCK_SKEW_S &&
        exp > seconds &&
        exp - iat <= ASSERTION_LONGEST_S;
      if (!isTimely)
        return reject(
          "invalid_grant",
          "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
        );
      if (
        !textOf(scope)
          .split(" ")
          .some((s) => SCOPES.includes(s))
      )
        return reject("invalid_scope", "Invalid OAuth scope or ID token audience provided.");
      const access_token = `ya29.${randomBytes(32).toString("base64url")}`;
      const oldest = valid.keys().next();
      if (valid.size >= TOKENS_MAX && !oldest.done) valid.delete(oldest.value);
      valid.set(access_token, { until: now() + ACCESS_TOKEN_VALID_S * 1_000, account });
      issued += 1;
      return jsonAnswer(200, { access_token, expires_in: ACCESS_TOKEN_VALID_S, token_type: "Bearer" });
    },
  };
}
