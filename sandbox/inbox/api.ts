import { readFileSync } from "node:fs";
import { ServerResponse } from "node:http";
import { createClientFiles, PAGE_HEADERS } from "../../web/server/client-files.ts";
import { MAIL_HEADERS, mailDocument } from "../../web/server/mail-frame.ts";
import type { Faults } from "../kit/faults.ts";
import type { Ledger, LedgerEntry } from "../kit/ledger.ts";
import type { WireOut } from "../kit/listener.ts";
import type { Receipts } from "../kit/receipts.ts";
import { jsonAnswer, type WireAnswer, type WireRequest } from "../kit/simulator.ts";
import type { Webhooks } from "../kit/webhooks.ts";
import { ACTIONS, act } from "./act.ts";
import { createEvents, VIEWERS_MAX } from "./events.ts";
import { faultsView } from "./faults.ts";
import type { Sender } from "./history.ts";
import { createInbox } from "./messages.ts";
import { emailOf } from "./read/message.ts";
import { duration, queryOf, whole } from "./search.ts";
import { timelineOf } from "./timeline.ts";
import { createWaiting, WAIT_MS_MAX } from "./waiting.ts";

/** Messages in one answer: by default, and at most. */
const SHOWN = 20;
const SHOWN_MAX = 200;

export interface InboxParts {
  ledger: Ledger;
  faults: Faults;
  receipts: Receipts;
  webhooks: Webhooks;
}

export interface InboxPages extends Disposable {
  /** Whether a request is for these pages. */
  serves(path: string): boolean;
  /** Resolves with undefined where the connection stays open for events. */
  answer(request: WireRequest, response: WireOut): Promise<WireAnswer | undefined>;
  /** Whom to ask about deliveries from now on; undefined, as at the start: nobody. */
  connect(sender: Sender | undefined): void;
}

/** The page, and the API that it and tests use; see README.md. */
export function createInboxPages({ ledger, faults, receipts, webhooks }: InboxParts): InboxPages {
  const closing = new AbortController();
  const inbox = createInbox(ledger);
  const events = createEvents();
  const waitFor = createWaiting(inbox, closing.signal);
  const files = createClientFiles([{ path: "/inbox/client/", folder: new URL("./client/", import.meta.url) }]);
  let sender: Sender | undefined;
  const unwatch = [
    inbox.watch(() => events.tell("messages")),
    faults.watch(() => events.tell("faults")),
    receipts.watch(({ attemptId }) => {
      const id = inbox.idOf(attemptId);
      if (id !== undefined) events.tell("timeline", String(id));
    }),
  ];

  async function api({ method, path, query }: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
    const [, id = "", part = ""] = /^\/inbox\/api\/messages\/(\d{1,15})(?:\/([a-z]+))?$/.exec(path) ?? [];
    if (id !== "") return one(method, Number(id), part);
    switch (`${method} ${path}`) {
      case "GET /inbox/api/messages": {
        const wanted = queryOf(query, ["limit", "wait"]);
        const limit = whole(query, "limit", 1, SHOWN_MAX) ?? SHOWN;
        const messages = await waitFor(wanted, limit, duration(query, "wait", WAIT_MS_MAX) ?? 0, signal);
        return jsonAnswer(200, { messages });
      }
      case "DELETE /inbox/api/messages":
        inbox.clear(queryOf(query));
        return { status: 204 };
      case "GET /inbox/api/list":
        return jsonAnswer(200, inbox.list(queryOf(query, ["limit"]), whole(query, "limit", 1, SHOWN_MAX) ?? SHOWN));
      case "GET /inbox/api/faults":
        return jsonAnswer(200, faultsView(faults));
      default:
        return NOT_FOUND;
    }
  }

  async function one(method: string, id: number, part: string): Promise<WireAnswer> {
    const entry = inbox.entry(id);
    if (entry === undefined) return jsonAnswer(404, { error: "there is no such message; it was deleted, or dropped for want of room" });
    const action = ACTIONS.find((name) => name === part);
    if (method === "POST" && action !== undefined) return jsonAnswer(200, await act(action, entry, { webhooks, sender }));
    if (method !== "GET") return NOT_FOUND;
    if (part === "") return jsonAnswer(200, inbox.message(id));
    if (part === "timeline") return jsonAnswer(200, await timelineOf(id, entry, receipts.of(entry.attemptId), sender));
    return part === "mail" ? mailAnswer(entry) : NOT_FOUND;
  }

  return {
    serves: (path) => path === "/" || path === "/inbox" || path.startsWith("/inbox/") || path.startsWith("/web/"),
    async answer(request, response) {
      const { method, path } = request;
      if (path.startsWith("/inbox/api/")) {
        if (method === "GET" && path === "/inbox/api/events") return openEvents(response);
        const gone = new AbortController();
        response.once("close", () => gone.abort());
        try {
          return withNoStore(await api(request, gone.signal));
        } catch (error) {
          if (error instanceof RangeError) return jsonAnswer(400, { error: error.message });
          throw error;
        }
      }
      if (method !== "GET") return NOT_FOUND;
      if (path === "/") return { status: 302, headers: { location: "/inbox" } };
      if (path === "/inbox") return { status: 200, headers: { ...PAGE_HEADERS, "content-type": "text/html; charset=utf-8" }, body: page() };
      const file = files(path);
      return file === undefined ? NOT_FOUND : { status: 200, ...file };
    },
    connect(to) {
      sender = to;
      events.tell("timeline");
    },
    [Symbol.dispose]() {
      closing.abort();
      for (const end of unwatch) end();
      events[Symbol.dispose]();
      inbox[Symbol.dispose]();
    },
  };

  function openEvents(response: WireOut): WireAnswer | undefined {
    if (response instanceof ServerResponse && events.open(response)) return undefined;
    return jsonAnswer(503, { error: `${VIEWERS_MAX} pages watch already` });
  }
}

const NOT_FOUND = jsonAnswer(404, { error: "no such thing; see sandbox/README.md" });

const withNoStore = (answer: WireAnswer): WireAnswer => ({ ...answer, headers: { ...answer.headers, "cache-control": "no-store" } });

function mailAnswer(entry: LedgerEntry): WireAnswer {
  const mail = emailOf(entry);
  return mail === undefined ? NOT_FOUND : { status: 200, headers: MAIL_HEADERS, body: mailDocument(mail.html, mail.attachments) };
}

let pageText: string | undefined;
/** Read at the first request: most sandboxes show no page. */
function page(): string {
  pageText ??= readFileSync(new URL("./page.html", import.meta.url), "utf8");
  return pageText;
}
