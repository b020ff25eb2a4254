import type { HttpResponse, Route } from "../../runtime/http/server.ts";
import { sessionOf } from "./claims.ts";
import type { AuthConfig } from "./config.ts";
import { createLoginCookie } from "./login-cookie.ts";
import type { LoginLog } from "./login-log.ts";
import { CALLBACK_PATH, createOidcClient, type IssuerFault } from "./oidc.ts";
import { foreign, issuerAway, noRole, notSignedIn, signedIn, tooManyLogins } from "./pages.ts";
import { returnPath } from "./return-path.ts";
import { opensPage } from "./same-origin.ts";
import type { SessionParts, Sessions } from "./sessions.ts";

export interface OidcRouteParts extends SessionParts {
  config: AuthConfig;
  sessions: Pick<Sessions, "begin">;
  hasRoom(): boolean;
  log: LoginLog;
}

/** GET /login sends the browser to the issuer, and GET /login/callback takes it back. */
export function createOidcRoutes({ config, sessions, hasRoom, log, ...parts }: OidcRouteParts): {
  routes: Route[];
  endUrl(): Promise<string | undefined>;
} {
  const client = createOidcClient(config);
  const login = createLoginCookie(parts);

  const faultPage = ({ kind, code }: IssuerFault): HttpResponse =>
    kind === "unreachable" ? issuerAway(log.failed("unreachable", code)) : notSignedIn(log.failed("rejected", code));
  const withoutLogin = (answer: HttpResponse): HttpResponse => ({ ...answer, cookies: [...(answer.cookies ?? []), login.remove()] });

  const begin: Route = {
    ...{ method: "GET", path: "/login" },
    async handle({ query, headers }) {
      // Before it is counted: a page elsewhere that loads this as a picture, again and again, would keep everybody from signing in.
      if (!opensPage(headers)) return foreign(log.failed("foreign"));
      if (!hasRoom()) return tooManyLogins(log.failed("rate"));
      const begun = await client.begin();
      if ("kind" in begun) return faultPage(begun);
      return {
        status: 303,
        headers: { location: begun.url, "cache-control": "no-store", "referrer-policy": "no-referrer" },
        cookies: [login.set({ ...begun.secrets, returnTo: returnPath(query.get("return")) })],
      };
    },
  };

  const callback: Route = {
    ...{ method: "GET", path: CALLBACK_PATH },
    async handle({ query, headers }) {
      const begun = login.read(headers.cookie);
      // Asked before anything is sent to the issuer: whoever has no login of ours causes no request.
      if (begun === undefined || query.get("state") !== begun.state) return notSignedIn(log.failed("no-login"));
      if (!hasRoom()) return tooManyLogins(log.failed("rate"));
      const { returnTo, ...secrets } = begun;
      const finished = await client.finish(query, secrets);
      // Whatever came of it: it can be finished once.
      if ("kind" in finished) return withoutLogin(faultPage(finished));
      const session = sessionOf(finished.claims, config);
      if (session === undefined) return withoutLogin(noRole(log.failed("no-role")));
      log.signedIn(session, "oidc");
      return withoutLogin(signedIn(returnTo, [sessions.begin(session)]));
    },
  };
  return { routes: [begin, callback], endUrl: client.endUrl };
}
