import { StoreError } from "../adapters/store/store-error.ts";
import { DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import type { Receipt } from "../core/delivery/receipt.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Webhook, WebhookReader } from "../providers/transport/webhook.ts";
import type { HttpRequest, HttpResponse, Route } from "../runtime/http/server.ts";
import type { Logger } from "../runtime/logger.ts";
import type { FeedbackMetrics } from "./metrics.ts";

/**
 * Webhooks handled at once; each may hold a body of 1 MiB and its receipts. Further ones are answered 503, and every provider
 * repeats.
 */
const WEBHOOKS_IN_FLIGHT_MAX = 64;
/** Retry-After of a 503, in seconds. */
const RETRY_AFTER_S = 5;

export interface FeedbackParts {
  /** The providers' readers. */
  readers: readonly WebhookReader[];
  /** What signatures of the account's webhooks are verified with at the moment; undefined: it is not served. */
  secretOf(provider: string, account: string): string | undefined;
  /** Public base URL without a slash at its end; asked for with each webhook, since its port may be known only once it listens. */
  publicUrl(): string;
  /** Durable when resolved. Rejects with a StoreError while the store is unavailable. */
  apply(receipts: readonly Receipt[]): Promise<unknown>;
  clock: Clock;
  log: Logger;
  metrics: FeedbackMetrics;
  inFlightMax?: number;
}

/**
 * POST /<provider> for the default account and /<provider>/<account> for others, where they are served. 200 only once the receipts are durable,
 * since the provider does not repeat after it; 400 for a body the provider does not document, 401 for a wrong or old signature, 503 with
 * Retry-After while the store is unavailable or too many webhooks are in progress.
 */
export function createFeedbackRoutes(parts: FeedbackParts): Route[] {
  const { readers, secretOf, publicUrl, apply, clock, log, metrics, inFlightMax = WEBHOOKS_IN_FLIGHT_MAX } = parts;
  let inFlight = 0;
  let isStoreUnavailable = false;

  async function judge(reader: WebhookReader, account: string, secret: string, webhook: Webhook): Promise<HttpResponse> {
    const { type, body } = reader.acknowledgement ?? { type: "text/plain", body: "" };
    const acknowledged = { status: 200, body, headers: { "content-type": type } };
    if (reader.isProbe?.(webhook)) return acknowledged;
    if (!reader.verify(webhook, secret)) return textAnswer(401, "the signature is wrong");
    const receipts = reader.read(webhook);
    if (receipts === undefined) return textAnswer(400, "not a body the provider documents");
    if (receipts.length === 0) return acknowledged;
    try {
      await apply(receipts.map((receipt) => ({ ...receipt, account })));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // Once per outage: thousands of webhooks would log the same line.
      if (!isStoreUnavailable) log.warn({ err: error }, "store unavailable: webhooks are answered 503, and providers repeat them");
      isStoreUnavailable = true;
      return retryLater("the store is unavailable");
    }
    if (isStoreUnavailable) log.info("store available again: webhooks are accepted");
    isStoreUnavailable = false;
    return acknowledged;
  }

  async function handle(reader: WebhookReader, account: string, request: HttpRequest): Promise<HttpResponse> {
    const { provider } = reader;
    const secret = secretOf(provider, account);
    if (secret === undefined) return textAnswer(404, "not found");
    // HEAD is served as GET is.
    if (request.method === "GET") return { status: 200 };
    if (inFlight >= inFlightMax) {
      metrics.webhooks.inc({ provider, account, status: "503" });
      return retryLater("too many webhooks in progress");
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
      // Not configured: no route, answered 404. Accounts come and go while the process runs, so theirs are looked up per request.
      ...(secretOf(reader.provider, DEFAULT_ACCOUNT) === undefined
        ? []
        : [{ method, path, handle: (request: HttpRequest) => handle(reader, DEFAULT_ACCOUNT, request) }]),
      { method, path: `${path}/*`, handle: (request) => handle(reader, request.path.slice(path.length + 1), request) },
    ]);
  });
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
