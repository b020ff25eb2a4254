import { StoreError } from "../adapters/store/store-error.ts";
import { DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
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
  /** The providers' readers. */
  readers: readonly WebhookReader[];
  /** What signatures of the account's webhooks are verified with at the moment; undefined: it is not served. */
  secretOf(provider: string, account: string): string | undefined;
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
 * POST /<provider> for the default account and /<provider>/<account> for others, where they are served. 200 only once what it told is durable, since then the provider forgets; 400 for what is no
 * webhook of that provider, 401 for a wrong or old signature, 503 with Retry-After when the store is away or too many came at once.
 */
export function createFeedbackRoutes(parts: FeedbackParts): Route[] {
  const { readers, secretOf, publicUrl, apply, clock, log, metrics, inFlightMax = WEBHOOKS_IN_FLIGHT_MAX } = parts;
  let inFlight = 0;
  let away = false;

  async function judge(reader: WebhookReader, account: string, secret: string, webhook: Webhook): Promise<HttpResponse> {
    const { type, body } = reader.acknowledgement ?? { type: "text/plain", body: "" };
    const acknowledged = { status: 200, body, headers: { "content-type": type } };
    if (reader.isProbe?.(webhook)) return acknowledged;
    if (!reader.verify(webhook, secret)) return said(401, "the signature is not right");
    const receipts = reader.read(webhook);
    if (receipts === undefined) return said(400, "not what the provider documents");
    if (receipts.length === 0) return acknowledged;
    try {
      await apply(receipts.map((receipt) => ({ ...receipt, account })));
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

  async function handle(reader: WebhookReader, account: string, request: HttpRequest): Promise<HttpResponse> {
    const { provider } = reader;
    const secret = secretOf(provider, account);
    if (secret === undefined) return said(404, "not found");
    // HEAD is served as GET is.
    if (request.method === "GET") return { status: 200 };
    if (inFlight >= inFlightMax) {
      metrics.webhooks.inc({ provider, account, status: "503" });
      return comeAgain("too many at once");
    }
    inFlight += 1;
    let status = 500;
    try {
      const answer = await judge(reader, account, secret, webhookOf(request, publicUrl(), clock.now()));
      status = answer.status;
      return answer;
    } finally {
      inFlight -= 1;
      metrics.webhooks.inc({ provider, account, status: String(status) });
    }
  }

  return readers.flatMap((reader): Route[] => {
    const path = `/${reader.provider}`;
    const methods = reader.isProbe ? (["POST", "GET"] as const) : (["POST"] as const);
    return methods.flatMap((method): Route[] => [
      // Where the environment's account is not served, there is no such path, as with a provider that is not there.
      ...(secretOf(reader.provider, DEFAULT_ACCOUNT) === undefined
        ? []
        : [{ method, path, handle: (request: HttpRequest) => handle(reader, DEFAULT_ACCOUNT, request) }]),
      { method, path: `${path}/*`, handle: (request) => handle(reader, request.path.slice(path.length + 1), request) },
    ]);
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
