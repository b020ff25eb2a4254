import { isFields } from "./read.ts";
import { createWatchers } from "./watchers.ts";

/** Orders kept at once; further ones are rejected. */
export const FAULTS_MAX = 1_000;
/** The longest delay that can be ordered, in ms: above every deadline in the system. */
const DELAY_LONGEST_MS = 600_000;

/** The fault to inject. `code` is an HTTP/2 error code for RST_STREAM (default 2, INTERNAL_ERROR); HTTP/1.1 connections are destroyed. */
export type FaultAction =
  /** Answers this instead of judging. `accepted` is what the ledger records; default: whether the status is 2xx and the body is no refusal of this provider. */
  | {
      kind: "answer";
      status: number;
      body?: unknown;
      headers?: Record<string, string> | undefined;
      accepted?: boolean | undefined;
    }
  /** Judged on arrival, answered late. */
  | { kind: "delay"; ms: number }
  /** Judged, never answered. */
  | { kind: "no-answer" }
  /** Closed before processing. */
  | { kind: "cut-before"; code?: number | undefined }
  /** Judged, then closed instead of answered. */
  | { kind: "cut-after"; code?: number | undefined }
  /** Judged, then the whole HTTP/2 connection is closed with every request in flight on it. */
  | { kind: "goaway" }
  /** Status queries only: answered from an index that is `ms` behind. */
  | { kind: "lag"; ms: number };

/** How the webhooks of an accepted message differ from the default: "accepted", then "delivered", each once, right after the send. */
export interface WebhookAction {
  kind: "webhooks";
  /** All of them before the send is answered. */
  early?: boolean | undefined;
  /** Each one twice. */
  twice?: boolean | undefined;
  /** None at all. */
  never?: boolean | undefined;
  /** From the send to the first one, in ms. */
  lateMs?: number | undefined;
  /** In reverse order. */
  reversed?: boolean | undefined;
  /** "undelivered" instead of "delivered"; text: the provider's code for the reason ("30005", "dropped"). */
  undelivered?: boolean | string | undefined;
  /** One more event after the last: the provider's name for it ("spamreport", "unsubscribe", "spam", "unsub"), or a code as for `undelivered`. */
  later?: string | undefined;
}

/** A provider, or one of its side requests. Side requests have no recipient, so an order with `match` never applies to them. */
export type FaultTarget = string;

export interface FaultOrder {
  provider: FaultTarget;
  /** Part of the recipient or of the delivery id; absent: any. */
  match?: string | undefined;
  /** How many requests it applies to; default 1. */
  times?: number | undefined;
  do: FaultAction | WebhookAction;
}

export interface StandingFault extends FaultOrder {
  id: number;
  /** Requests left. */
  times: number;
  /** Requests that it was ordered for. */
  of: number;
}

/** One use of an order: its fault, and which of how many uses this is. */
export interface FaultUse<A = FaultAction> {
  action: A;
  use: number;
  of: number;
}

/** What faults can be ordered for. */
export interface FaultScope {
  targets: readonly FaultTarget[];
  /** Those of the targets that send webhooks. */
  webhookProviders: readonly FaultTarget[];
}

export interface Faults {
  /** Why this is not a valid order; undefined where it is one. */
  mistakeIn(order: unknown): string | undefined;
  /** Returns the id of the order. Throws RangeError where it is not valid or FAULTS_MAX is reached. */
  order(order: FaultOrder): number;
  /** The oldest order that matches; counts one use of it. */
  take(provider: FaultTarget, recipient: string, deliveryId: string): FaultAction | undefined;
  /** The same, with which use of how many it was. */
  takeUse(provider: FaultTarget, recipient: string, deliveryId: string): FaultUse | undefined;
  /** The same for orders of webhooks, which take() ignores. */
  takeWebhooks(provider: FaultTarget, recipient: string, deliveryId: string): WebhookAction | undefined;
  standing(): StandingFault[];
  clear(id?: number): void;
  /** Calls `told` after each order, use and removal. Returns a function that ends it. */
  watch(told: () => void): () => void;
}

export function createFaults(scope: FaultScope): Faults {
  let orders: StandingFault[] = [];
  let lastId = 0;
  const { tell: changed, watch } = createWatchers<[]>();

  function take<A extends FaultOrder["do"]>(
    is: (action: FaultOrder["do"]) => action is A,
    provider: FaultTarget,
    recipient: string,
    deliveryId: string,
  ): FaultUse<A> | undefined {
    const hits = (o: StandingFault) => o.match === undefined || recipient.includes(o.match) || deliveryId.includes(o.match);
    const fault = orders.find((o) => o.provider === provider && is(o.do) && hits(o));
    if (fault === undefined || !is(fault.do)) return undefined;
    fault.times -= 1;
    if (fault.times <= 0) orders = orders.filter((o) => o !== fault);
    changed();
    return { action: fault.do, use: fault.of - fault.times, of: fault.of };
  }

  return {
    mistakeIn: (order) => mistakeIn(order, scope),
    order(order) {
      const mistake = mistakeIn(order, scope);
      if (mistake !== undefined) throw new RangeError(mistake);
      if (orders.length >= FAULTS_MAX) throw new RangeError(`${FAULTS_MAX} faults are ordered already`);
      lastId += 1;
      const { times = 1 } = order;
      orders.push({ ...order, times, of: times, id: lastId });
      changed();
      return lastId;
    },
    take: (...sent) => take(isForRequest, ...sent)?.action,
    takeUse: (...sent) => take(isForRequest, ...sent),
    takeWebhooks: (...sent) => take(isForWebhooks, ...sent)?.action,
    standing: () => structuredClone(orders),
    clear(id) {
      orders = id === undefined ? [] : orders.filter((o) => o.id !== id);
      changed();
    },
    watch,
  };
}

const isForWebhooks = (action: FaultOrder["do"]) => action.kind === "webhooks";
const isForRequest = (action: FaultOrder["do"]) => action.kind !== "webhooks";

function mistakeIn(order: unknown, { targets, webhookProviders }: FaultScope): string | undefined {
  if (!isFields(order) || !isFields(order.do)) return "an order has provider and do";
  const { provider, match, times, do: action } = order;
  if (!targets.some((name) => name === provider)) return "provider is unknown";
  if (match !== undefined && typeof match !== "string") return "match is text";
  if (times !== undefined && !(Number.isSafeInteger(times) && Number(times) >= 1)) return "times is an integer from 1";
  switch (action.kind) {
    case "answer":
      if (!isBetween(action.status, 200, 599)) return "status is an integer from 200 to 599";
      return isHeaders(action.headers ?? {}) ? undefined : "headers are text by name, none that belongs to the connection";
    case "delay":
      return isBetween(action.ms, 0, DELAY_LONGEST_MS) ? undefined : `ms is an integer from 0 to ${DELAY_LONGEST_MS}`;
    case "cut-before":
    case "cut-after":
      return action.code === undefined || isBetween(action.code, 0, 13) ? undefined : "code is an HTTP/2 error code, 0 to 13";
    case "no-answer":
    case "goaway":
      return undefined;
    case "lag":
      if (typeof provider === "string" && !provider.endsWith("-status-query")) return "lag is for status queries";
      return isBetween(action.ms, 0, DELAY_LONGEST_MS) ? undefined : `ms is an integer from 0 to ${DELAY_LONGEST_MS}`;
    case "webhooks":
      return webhooksMistake(provider, action, webhookProviders);
    default:
      return "kind is one of answer, delay, no-answer, cut-before, cut-after, goaway, lag, webhooks";
  }
}

function webhooksMistake(
  provider: unknown,
  action: Readonly<Record<string, unknown>>,
  webhookProviders: readonly string[],
): string | undefined {
  if (!webhookProviders.some((name) => name === provider)) return `webhooks are for ${new Intl.ListFormat("en").format(webhookProviders)}`;
  const { lateMs, undelivered = false, later, ...switches } = action;
  if (lateMs !== undefined && !isBetween(lateMs, 0, DELAY_LONGEST_MS)) return `lateMs is an integer from 0 to ${DELAY_LONGEST_MS}`;
  if (typeof undelivered !== "boolean" && !isWord(undelivered)) return "undelivered is true, false or one word";
  if (later !== undefined && !isWord(later)) return "later is one word";
  for (const name of ["early", "twice", "never", "reversed"])
    if (switches[name] !== undefined && typeof switches[name] !== "boolean") return `${name} is true or false`;
  return undefined;
}

const isBetween = (value: unknown, low: number, high: number) => Number.isInteger(value) && Number(value) >= low && Number(value) <= high;

/** Headers that HTTP/2 forbids, and those that the sandbox sets itself. */
const CONNECTION_HEADERS = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length"];

const isHeaders = (value: unknown) =>
  isFields(value) &&
  Object.entries(value).every(
    ([name, text]) =>
      /^[\w!#$%&'*+.^`|~-]+$/.test(name) &&
      !CONNECTION_HEADERS.includes(name.toLowerCase()) &&
      typeof text === "string" &&
      /^[\t -~]*$/.test(text),
  );

const isWord = (value: unknown) => typeof value === "string" && /^[\w.-]{1,64}$/.test(value);
