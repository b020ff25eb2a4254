import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from "openid-client";
import type { Claims } from "./claims.ts";
import type { AuthConfig } from "./config.ts";
import { ISSUER_MS_MAX, providerFetch } from "./provider-fetch.ts";

/** How far the issuer's clock and ours may differ, in seconds. */
const CLOCK_SKEW_S = 30;
export const CALLBACK_PATH = "/login/callback";

/** What binds the answer of the issuer to the browser that asked. */
export interface LoginSecrets {
  state: string;
  nonce: string;
  /** Of PKCE. */
  verifier: string;
}

/** The issuer did not answer, or not as OpenID Connect says. */
export interface IssuerFault {
  kind: "unreachable" | "rejected";
  /** The library's or the issuer's code, for the log; never a token. */
  code: string;
}

export interface OidcClient {
  /** Where the browser goes to sign in. */
  begin(): Promise<{ url: string; secrets: LoginSecrets } | IssuerFault>;
  /** The claims of the verified ID token. @param query of the callback, as it was sent */
  finish(query: URLSearchParams, secrets: LoginSecrets): Promise<{ claims: Claims } | IssuerFault>;
  /** Where the browser can sign out at the issuer, too; undefined: it offers no such place, or it cannot be reached. */
  endUrl(): Promise<string | undefined>;
}

type OidcConfig = Pick<
  AuthConfig,
  "CONSOLE_OIDC_ISSUER" | "CONSOLE_OIDC_CLIENT_ID" | "CONSOLE_OIDC_CLIENT_SECRET_FILE" | "CONSOLE_OIDC_SCOPES" | "CONSOLE_URL"
>;

/**
 * Authorization code flow with PKCE (S256), state and nonce. The issuer's metadata and keys are read anew for each step, so that neither its new keys
 * nor its moved endpoints need a restart; sign-ins are few, and bounded. Signature, iss, aud, azp, exp, iat and nonce are checked by openid-client;
 * `alg: none` is no signature. Only https, except of an issuer at a loopback address.
 */
export function createOidcClient(config: OidcConfig): OidcClient {
  const {
    CONSOLE_OIDC_ISSUER: issuer,
    CONSOLE_OIDC_CLIENT_ID: clientId,
    CONSOLE_OIDC_CLIENT_SECRET_FILE: secret,
    CONSOLE_URL: base,
  } = config;
  const isInsecure = new URL(issuer).protocol === "http:";
  const redirectUri = `${base}${CALLBACK_PATH}`;

  const discover = (): Promise<Configuration> =>
    discovery(
      new URL(issuer),
      clientId,
      { ...(secret === "" ? {} : { client_secret: secret }), [clockTolerance]: CLOCK_SKEW_S },
      secret === "" ? None() : undefined,
      {
        [customFetch]: providerFetch,
        timeout: ISSUER_MS_MAX / 1_000,
        execute: [enableNonRepudiationChecks, ...(isInsecure ? [allowInsecureRequests] : [])],
      },
    );

  return {
    async begin() {
      const secrets = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
      try {
        const url = buildAuthorizationUrl(await discover(), {
          ...{ redirect_uri: redirectUri, scope: config.CONSOLE_OIDC_SCOPES, state: secrets.state, nonce: secrets.nonce },
          ...{ code_challenge: await calculatePKCECodeChallenge(secrets.verifier), code_challenge_method: "S256" },
        });
        return { url: url.href, secrets };
      } catch (error) {
        return { kind: "unreachable", code: codeOf(error) };
      }
    },
    async finish(query, { state, nonce, verifier }) {
      let found: Configuration;
      try {
        found = await discover();
      } catch (error) {
        return { kind: "unreachable", code: codeOf(error) };
      }
      try {
        const answer = await authorizationCodeGrant(found, new URL(`${redirectUri}?${query}`), {
          ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
        });
        const claims = answer.claims();
        return claims ? { claims } : { kind: "rejected", code: "no-id-token" };
      } catch (error) {
        return { kind: "rejected", code: codeOf(error) };
      }
    },
    async endUrl() {
      try {
        const found = await discover();
        if (found.serverMetadata().end_session_endpoint === undefined) return undefined;
        return buildEndSessionUrl(found, { post_logout_redirect_uri: `${base}/` }).href;
      } catch {
        return undefined;
      }
    },
  };
}

const CODE = /^[\w-]{1,60}$/;

/** OAuth's `error`, or the code of the library; the text of an error may hold what was answered. */
function codeOf(error: unknown): string {
  const { error: oauth, code, name } = (error ?? {}) as Record<string, unknown>;
  return [oauth, code, name].find((one): one is string => typeof one === "string" && CODE.test(one)) ?? "error";
}
