import { foreignMistake } from "../web/server/same-site.ts";
import type { InboxPages } from "./inbox/api.ts";
import type { SharedCredentials } from "./kit/environment.ts";
import type { Faults } from "./kit/faults.ts";
import { inboundTextOf } from "./kit/inbound.ts";
import type { Ledger } from "./kit/ledger.ts";
import type { Handler, WireOut } from "./kit/listener.ts";
import { fieldsOf, parseJson, textOf } from "./kit/read.ts";
import { jsonAnswer, type WireAnswer, type WireRequest } from "./kit/simulator.ts";
import { type Suppressed, suppressedOf } from "./kit/suppressions.ts";
import type { Webhooks } from "./kit/webhooks.ts";
import { cut, readRequest, send } from "./kit/wire.ts";
import { PROVIDER_NAMES } from "./list.ts";
import { isSubscriptionName } from "./webpush/simulator.ts";
import type { PushSubscription } from "./webpush/subscription.ts";

const BODY_BYTES_MAX = 1_048_576;
/** Default number of entries in one answer; the newest ones. */
const ENTRIES_SHOWN = 1_000;

export interface AdminParts {
  ledger: Ledger;
  faults: Faults;
  webhooks: Webhooks;
  inbox: InboxPages;
  /** Host names of this machine by which it may be asked, beside localhost and addresses. */
  names: readonly string[];
  webPushSubscription(name: string): PushSubscription;
  revokeAccessTokens(): void;
  /** Throws a RangeError where the provider keeps none, or has no such list. */
  suppress(provider: string, entries: readonly Suppressed[]): void;
  /** ms since the epoch. */
  now(): number;
  /** What GET /credentials returns; undefined: 403. */
  shared?: (() => SharedCredentials) | undefined;
}

/** The sandbox's own HTTP API; see README.md. */
export function createAdmin(parts: AdminParts): Handler {
  return (request, response) => {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    readRequest(request, response, BODY_BYTES_MAX).then(
      async (wire) => {
        const answered = await answer(parts, wire, response).catch((error: Error) => jsonAnswer(500, { error: error.message }));
        // Undefined: the connection stays open for events.
        if (answered !== undefined) send(response, answered);
      },
      () => cut(response),
    );
  };
}

async function answer(
  { ledger, faults, webhooks, inbox, names, webPushSubscription, revokeAccessTokens, suppress, now, shared }: AdminParts,
  request: WireRequest,
  response: WireOut,
): Promise<WireAnswer | undefined> {
  const { path, query, method } = request;
  const foreign = foreignMistake(request.headers, names);
  if (foreign !== undefined) return jsonAnswer(403, { error: foreign });
  if (inbox.serves(path)) return inbox.answer(request, response);
  // A target for providers' callbacks while there is no receiver.
  if (path === "/sink" || path.startsWith("/sink/")) return { status: 204 };
  const name = /^\/webpush\/subscriptions\/([^/]+)$/.exec(path)?.[1];
  if (name !== undefined)
    return isSubscriptionName(name) ? jsonAnswer(200, webPushSubscription(name)) : mistake("names are 1 to 100 of A-Z a-z 0-9 _ -");
  switch (`${method} ${path}`) {
    case "GET /health":
      return { status: 204 };
    case "GET /ledger":
      return entries(ledger, query);
    case "GET /ledger/summary":
      return jsonAnswer(200, ledger.summary());
    case "GET /ledger/acceptances":
      return jsonAnswer(200, Object.fromEntries(ledger.acceptances()));
    case "POST /ledger/acceptances":
      return acceptancesOf(ledger, request);
    case "DELETE /ledger":
      ledger.clear();
      return { status: 204 };
    case "GET /faults":
      return jsonAnswer(200, { faults: faults.standing() });
    case "POST /faults":
      return order(faults, request);
    case "DELETE /faults":
      faults.clear(query.has("id") ? Number(query.get("id")) : undefined);
      return { status: 204 };
    case "GET /webhooks":
      return jsonAnswer(200, webhooks.state());
    case "POST /webhooks":
      return orMistake(() => {
        const { target } = fieldsOf(parseJson(request.body));
        webhooks.target(target === null ? undefined : textOf(target));
        return jsonAnswer(200, webhooks.state());
      });
    case "POST /suppressions":
      return orMistake(() => {
        const { provider, entries: added } = suppressedOf(parseJson(request.body), now());
        suppress(provider, added);
        return { status: 204 };
      });
    case "POST /texts":
      return tellText(webhooks, request);
    case "GET /credentials":
      return shared ? jsonAnswer(200, shared()) : jsonAnswer(403, { error: "credentials are not shared; see SANDBOX_SHARE_CREDENTIALS" });
    case "DELETE /oauth/tokens":
      revokeAccessTokens();
      return { status: 204 };
    default:
      return jsonAnswer(404, { error: "no such thing; see sandbox/README.md" });
  }
}

const mistake = (error: string) => jsonAnswer(400, { error });

function entries(ledger: Ledger, query: URLSearchParams): WireAnswer {
  const provider = PROVIDER_NAMES.find((name) => name === query.get("provider"));
  if (query.has("provider") && provider === undefined) return mistake("provider is unknown");
  const since = query.has("since") ? Number(query.get("since")) : undefined;
  const limit = Number(query.get("limit") ?? ENTRIES_SHOWN);
  if (Number.isNaN(since) || !(Number.isSafeInteger(limit) && limit >= 1)) return mistake("since is in ms, limit an integer from 1");
  const accepted = query.has("accepted") ? query.get("accepted") === "true" : undefined;
  const found = ledger.entries({ deliveryId: query.get("deliveryId") ?? undefined, provider, since, accepted });
  return jsonAnswer(200, { count: found.length, entries: found.slice(-limit) });
}

/** Acceptances of the deliveries in the request; those never accepted are left out. */
function acceptancesOf(ledger: Ledger, request: WireRequest): WireAnswer {
  const { deliveryIds } = fieldsOf(parseJson(request.body));
  if (!Array.isArray(deliveryIds)) return mistake("deliveryIds is a list of text");
  const all = ledger.acceptances();
  return jsonAnswer(200, Object.fromEntries(deliveryIds.flatMap((id: string) => (all.has(id) ? [[id, all.get(id)]] : []))));
}

async function order(faults: Faults, request: WireRequest): Promise<WireAnswer> {
  const given = parseJson(request.body);
  const wrong = faults.mistakeIn(given);
  if (wrong !== undefined) return mistake(wrong);
  return orMistake(() => jsonAnswer(201, { id: faults.order(given as Parameters<Faults["order"]>[0]) }));
}

/** A person writes to a sender. */
async function tellText(webhooks: Webhooks, request: WireRequest): Promise<WireAnswer> {
  return orMistake(async () => {
    const { provider, ...text } = inboundTextOf(parseJson(request.body));
    return jsonAnswer(200, { id: text.id, answers: await webhooks.tellText(provider, text) });
  });
}

/** The result, or 400 with the message of the error that was thrown. */
async function orMistake(work: () => WireAnswer | Promise<WireAnswer>): Promise<WireAnswer> {
  try {
    return await work();
  } catch (error) {
    return mistake((error as Error).message);
  }
}
