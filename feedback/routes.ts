import { StoreError } from "../adapters/store/store-error.ts";
import type { Receipt } from "../core/delivery/receipt.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Webhook, WebhookReader } from "../providers/transport/webhook.ts";
import type { HttpRequest, HttpResponse, Route } from "../runtime/http/server.ts";
import type { Logger } from "../runtime/logger.ts";
import type { FeedbackMetrics } from "./metrics.ts";

/**
 * Webhooks judged and applied at once; each may hold a body of 1 MiB and its receipts. Further ones are told to come again: every
 * provider repeats.
 */
const WEBHOOKS_IN_FLIGHT_MAX = 64;
/** What those who came too many are told, in seconds; also while the store is away. */
const RETRY_AFTER_S = 5;

export interface FeedbackParts {
  /** Those that are served, each with what its signatures are checked by at the moment. */
  served: readonly { reader: WebhookReader; secret(): string }[];
  /** Public base URL without a slash at its end; asked for with each webhook, since its port may be known only once it listens. */
  publicUrl(): string;
  /** Durable when resolved. Rejects with a StoreError when the store is away. */
  apply(receipts: readonly Receipt[]): Promise<unknown>;
  clock: Clock;
  log: Logger;
  metrics: FeedbackMetrics;
  inFlightMax?: number;
}

/**
 * POST /<provider> for each that is served. 200 only once what it told is durable, since then the provider forgets; 400 for what is no
 * webhook of that provider, 401 for a wrong or old signature, 503 with Retry-After when the store is away or too many came at once.
 */
export function createFeedbackRoutes(parts: FeedbackParts): Route[] {
  const { served, publicUrl, apply, clock, log, metrics, inFlightMax = WEBHOOKS_IN_FLIGHT_MAX } = parts;
  let inFlight = 0;
  let away = false;

  async function judge(reader: WebhookReader, secret: string, webhook: Webhook): Promise<HttpResponse> {
    const { type, body } = reader.acknowledgement ?? { type: "text/plain", body: "" };
    const acknowledged = { status: 200, body, headers: { "content-type": type } };
    if (reader.isProbe?.(webhook)) return acknowledged;
    if (!reader.verify(webhook, secret)) return said(401, "the signature is not right");
    const receipts = reader.read(webhook);
    if (receipts === undefined) return said(400, "not what the provider documents");
    if (receipts.length === 0) return acknowledged;
    try {
      await apply(receipts);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // Once for each time it goes: thousands of webhooks would say the same.
      if (!away) log.warn({ err: error }, "the store is away: providers are told to repeat their webhooks");
      away = true;
      return comeAgain("the store is away");
    }
    if (away) log.info("the store is back: webhooks are taken again");
    away = false;
    return acknowledged;
  }

  async function handle({ reader, secret }: FeedbackParts["served"][number], request: HttpRequest): Promise<HttpResponse> {
    const provider = reader.provider;
    if (inFlight >= inFlightMax) {
      metrics.webhooks.inc({ provider, status: "503" });
      return comeAgain("too many at once");
    }
    inFlight += 1;
    let status = 500;
    try {
      const answer = await judge(reader, secret(), webhookOf(request, publicUrl(), clock.now()));
      status = answer.status;
      return answer;
    } finally {
      inFlight -= 1;
      metrics.webhooks.inc({ provider, status: String(status) });
    }
  }

  return served.flatMap(({ reader, secret }): Route[] => {
    const path = `/${reader.provider}`;
    const post: Route = { method: "POST", path, handle: (request) => handle({ reader, secret }, request) };
    // HEAD is served as GET is.
    return reader.isProbe ? [post, { method: "GET", path, handle: async () => ({ status: 200 }) }] : [post];
  });
}

/**
 * The query is written anew as URLSearchParams writes it. A provider that signs the URL is given it in that form, whatever a proxy
 * on the way made of it.
 */
function webhookOf({ path, query, headers, body }: HttpRequest, publicUrl: string, receivedAt: number): Webhook {
  const url = `${publicUrl}${path}${query.size > 0 ? `?${query}` : ""}`;
  return { url, query, headers, body, receivedAt };
}

const said = (status: number, text: string): HttpResponse => ({
  status,
  body: `${text}\n`,
  headers: { "content-type": "text/plain; charset=utf-8" },
});

const comeAgain = (text: string): HttpResponse => {
  const { headers, ...answer } = said(503, text);
  return { ...answer, headers: { ...headers, "retry-after": String(RETRY_AFTER_S) } };
};
