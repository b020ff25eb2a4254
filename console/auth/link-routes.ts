import type { Route } from "../../runtime/http/server.ts";
import type { Session } from "../session.ts";
import { LINK_PATH, type LoginLinks } from "./login-links.ts";
import type { LoginLog } from "./login-log.ts";
import { askForLink, foreign, linkEnded, linkPage, linkPrinted, tooManyLogins } from "./pages.ts";
import { hostMistake, originMistake } from "./same-origin.ts";
import type { Sessions } from "./sessions.ts";

/** The session of a one-time link: whoever can read the console's terminal may do everything. */
const LOCAL: Session = { name: "local", role: "operator" };

export interface LinkRouteParts {
  links: LoginLinks;
  sessions: Pick<Sessions, "begin">;
  publicUrl: string;
  hasRoom(): boolean;
  log: LoginLog;
  /** Shows a new link where only the person at this machine sees it. @param path below the console's URL */
  print(path: string): void;
}

/** GET /login says where the link is. GET of a link shows a button, POST signs in. POST /login/new-link prints another link in the terminal. */
export function createLinkRoutes({ links, sessions, publicUrl, hasRoom, log, print }: LinkRouteParts): Route[] {
  const isServed = (path: string) => links.isLink(path);
  return [
    { method: "GET", path: "/login", handle: async () => askForLink() },
    {
      ...{ method: "GET", path: `${LINK_PATH}*`, isServed },
      handle: async ({ headers }) => (hostMistake(headers, publicUrl) === undefined ? linkPage() : foreign(log.failed("foreign"))),
    },
    {
      ...{ method: "POST", path: `${LINK_PATH}*`, isServed },
      async handle({ path, headers }) {
        if (originMistake(headers, publicUrl) !== undefined) return foreign(log.failed("foreign"));
        if (!hasRoom()) return tooManyLogins(log.failed("rate"));
        if (!links.use(path)) return linkEnded(log.failed("link"));
        log.signedIn(LOCAL, "link");
        // The address bar shows the link no longer, and the history keeps one that is used up.
        return {
          status: 303,
          headers: { location: "/", "cache-control": "no-store", "referrer-policy": "no-referrer" },
          cookies: [sessions.begin(LOCAL)],
        };
      },
    },
    {
      ...{ method: "POST", path: "/login/new-link" },
      async handle({ headers }) {
        if (originMistake(headers, publicUrl) !== undefined) return foreign(log.failed("foreign"));
        if (!hasRoom()) return tooManyLogins(log.failed("rate"));
        print(links.create());
        return linkPrinted();
      },
    },
  ];
}
