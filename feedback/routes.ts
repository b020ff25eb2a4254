import { StoreError } from "../adapters/store/store-error.ts";
import { DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import type { Receipt } from "../core/delivery/receipt.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { InboundText } from "../providers/transport/inbound-text.ts";
import type { Webhook, WebhookReader, WebhookSettings } from "../providers/transport/webhook.ts";
import type { HttpRequest, HttpResponse, RequestHead, Route } from "../runtime/http/server.ts";
import type { Logger } from "../runtime/logger.ts";
import { createStateLog } from "../runtime/state-log.ts";
import type { ReceivedText, TextEffect } from "./inbound-texts.ts";
import type { FeedbackMetrics } from "./metrics.ts";
import type { ReplyTo } from "./replies.ts";
import { createTurns } from "./turns.ts";

/**
 * Webhooks whose receipts are written at once; each may hold a thousand of them. Further ones are answered 503, and every provider repeats. What is
 * not verified takes none of these places: those are the listener's bodies.
 */
const WEBHOOKS_IN_FLIGHT_MAX = 64;
/** Retry-After of a 503, in seconds. */
const RETRY_AFTER_S = 5;

/** What an account's webhooks are verified with. */
export interface WebhookKey {
  secret: string;
  settings: WebhookSettings;
}

export interface FeedbackParts {
  /** The providers' readers. */
  readers: readonly WebhookReader[];
  /** What signatures of the account's webhooks are verified with at the moment; undefined: it is not served. */
  keyOf(provider: string, account: string): WebhookKey | undefined;
  /** Public base URL without a slash at its end; asked for with each webhook, since its port may be known only once it listens. */
  publicUrl(): string;
  /** Durable when resolved. Rejects with a StoreError while the store is unavailable. */
  apply(receipts: readonly Receipt[]): Promise<unknown>;
  /** The same for a text that a person wrote. */
  takeText(text: ReceivedText): Promise<TextEffect>;
  /** Answers who wrote, in the background. Default: nobody is. */
  reply?(to: ReplyTo): void;
  clock: Clock;
  log: Logger;
  metrics: FeedbackMetrics;
  inFlightMax?: number;
}

/**
 * POST /<provider> for the default account and /<provider>/<account> for others, where they are served, and GET for a provider that can be set to it; the
 * same below the path of the public URL, which a proxy on the way may keep or cut off. 200 only once the receipts, or the choice of who wrote a text, are
 * durable, since the provider does not repeat after it; 400 for a body the provider does not document, 401 for a wrong or old signature, and unread without any; 503 with Retry-After while the store is unavailable or
 * too many webhooks are in progress.
 */
export function createFeedbackRoutes(parts: FeedbackParts): Route[] {
  const { readers, keyOf, publicUrl, apply, takeText, reply = () => {}, clock, log, metrics, inFlightMax = WEBHOOKS_IN_FLIGHT_MAX } = parts;
  let inFlight = 0;
  const storing = createStateLog(
    log,
    {
      lost: "store unavailable: webhooks are answered 503, and providers repeat them",
      back: "store available again: webhooks are accepted",
    },
    clock.monotonic,
  );
  const ownTurn = createTurns(clock);

  async function judge(reader: WebhookReader, account: string, key: WebhookKey, webhook: Webhook): Promise<HttpResponse> {
    await ownTurn();
    const { type, body } = reader.acknowledgement ?? { type: "text/plain", body: "" };
    const acknowledged = { status: 200, body, headers: { "content-type": type } };
    if (reader.isProbe?.(webhook)) return acknowledged;
    if (!reader.verify(webhook, key.secret, key.settings)) return { ...textAnswer(401, "the signature is wrong"), rejected: "signature" };
    const text = reader.texts?.read(webhook);
    if (text === "ignored") return acknowledged;
    const receipts = text === undefined ? reader.read(webhook) : [];
    if (text === "unreadable" || receipts === undefined) return textAnswer(400, "not a body the provider documents");
    if (text === undefined && receipts.length === 0) return acknowledged;
    if (inFlight >= inFlightMax) return retryLater("too many webhooks in progress");
    inFlight += 1;
    try {
      if (text !== undefined) return { ...acknowledged, body: await answerTo(reader, account, key, text, body) };
      await apply(receipts.map((receipt) => ({ ...receipt, account })));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      storing.fails({ err: error });
      return retryLater("the store is unavailable");
    } finally {
      inFlight -= 1;
    }
    storing.works();
    return acknowledged;
  }

  /** @param silence the body of a 200 by which the person gets no reply */
  async function answerTo(
    reader: WebhookReader,
    account: string,
    { settings }: WebhookKey,
    text: InboundText,
    silence: string,
  ): Promise<string> {
    const pools = reader.texts?.poolsOf(text, settings) ?? [];
    const received = { provider: reader.provider, account, text, pools };
    const { command, isNew } = await takeText(received);
    storing.works();
    // A repetition is not answered again, nor is what the provider itself took for a command: it has answered that.
    const isOurs = command !== undefined && isNew && text.command === undefined;
    if (!isOurs) return silence;
    const replies = reader.texts?.reply;
    if (replies) reply({ replies, received, command, settings });
    return reader.texts?.answer?.(command, settings) ?? silence;
  }

  function screen({ provider, maySign }: WebhookReader, account: string, { headers }: RequestHead): HttpResponse | undefined {
    if (maySign(headers, keyOf(provider, account)?.settings ?? {})) return undefined;
    metrics.webhooks.inc({ provider, account, status: "401" });
    return { ...textAnswer(401, "the request is not signed"), rejected: "unsigned" };
  }

  async function handle(reader: WebhookReader, account: string, path: string, request: HttpRequest): Promise<HttpResponse> {
    const { provider } = reader;
    const key = keyOf(provider, account);
    // It was removed while the body was read.
    if (key === undefined) return textAnswer(404, "not found");
    let status = 500;
    try {
      const answer = await judge(reader, account, key, webhookOf({ ...request, path }, publicUrl(), clock.now()));
      status = answer.status;
      return answer;
    } finally {
      metrics.webhooks.inc({ provider, account, status: String(status) });
    }
  }

  /** @param base what precedes it in the request's path @param isBelow for /<provider>/<account> */
  function routesOf(reader: WebhookReader, base: string, isBelow: boolean): Route[] {
    const own = `${base}/${reader.provider}`;
    const accountOf = (path: string) => (isBelow ? path.slice(own.length + 1) : DEFAULT_ACCOUNT);
    // Accounts come and go while the process runs.
    const common = {
      path: isBelow ? `${own}/*` : own,
      isServed: (path: string) => keyOf(reader.provider, accountOf(path)) !== undefined,
    };
    const post: Route = {
      ...common,
      method: "POST",
      bodyBytesMax: reader.bodyBytesMax,
      screen: (head) => screen(reader, accountOf(head.path), head),
      handle: (request) => handle(reader, accountOf(request.path), request.path.slice(base.length), request),
    };
    if (reader.texts?.byGet) return [post, { ...post, method: "GET", bodyBytesMax: 0 }];
    // HEAD is served as GET is.
    return reader.isProbe ? [post, { ...common, method: "GET", handle: async () => ({ status: 200 }) }] : [post];
  }

  return readers.flatMap((reader) =>
    basesOf(publicUrl()).flatMap((from) => [...routesOf(reader, from, false), ...routesOf(reader, from, true)]),
  );
}

/** What may precede our paths in a request: the path of the public URL, and nothing where a proxy cut it off. */
export function basesOf(publicUrl: string): string[] {
  const base = publicUrl === "" ? "" : new URL(publicUrl).pathname.replace(/\/$/, "");
  return base === "" ? [""] : ["", base];
}

/**
 * The query is serialized as URLSearchParams does it. A provider that signs the URL was given it in that form, and a proxy on the way may have
 * changed it.
 */
function webhookOf({ path, query, headers, body }: HttpRequest, publicUrl: string, receivedAt: number): Webhook {
  const url = `${publicUrl}${path}${query.size > 0 ? `?${query}` : ""}`;
  return { url, query, headers, body, receivedAt };
}

const textAnswer = (status: number, text: string): HttpResponse => ({
  status,
  body: `${text}\n`,
  headers: { "content-type": "text/plain; charset=utf-8" },
});

const retryLater = (text: string): HttpResponse => {
  const { headers, ...answer } = textAnswer(503, text);
  return { ...answer, headers: { ...headers, "retry-after": String(RETRY_AFTER_S) } };
};
