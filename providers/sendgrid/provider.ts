import sendgrid from "@sendgrid/mail";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Finding, Provider, StatusQuery } from "../../core/ports/provider.ts";
import { createCallBudget } from "../transport/call-budget.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { parseRetryAfter } from "../transport/retry-after.ts";
import { createSdkConnections, type Exchange, SDK_TIMEOUT_MS } from "../transport/sdk-connections.ts";
import { brokenOff, overBudget, rejected, unreadable } from "../transport/status-query.ts";
import { classifyTransport } from "../transport/transport-fault.ts";
import { classifySendgrid, untilReset } from "./classify.ts";
import { type SendgridConfig, sendgridVariables } from "./config.ts";
import { buildSendgridMail, type SendgridMail } from "./payload.ts";
import { ACTIVITY_BUDGET, buildActivityQuery, readActivity } from "./status-query.ts";

/** SendGrid's v3 Mail Send: one mail to one address a send. */
export function createSendgridProvider(config: SendgridConfig, { clock }: { clock: Clock }): Provider {
  const addressFilter = addressFilterFor(config.SENDGRID_ORIGIN, sendgridVariables.SENDGRID_ORIGIN, config.OUTBOUND_ALLOWED_ADDRESSES);
  const connections = createSdkConnections({ origin: config.SENDGRID_ORIGIN, ca: config.PROVIDER_CA_FILE, addressFilter });
  // A service of our own: the SDK's default export is shared by all that import it.
  const mail = new MailService();
  mail.setApiKey(config.SENDGRID_API_KEY_FILE);
  mail.setTimeout(SDK_TIMEOUT_MS);
  // After the key, which sets the origin back.
  mail.client.setDefaultRequest({ ...connections.axios, baseUrl: `${new URL(config.SENDGRID_ORIGIN).origin}/` });
  const activity = createCallBudget(ACTIVITY_BUDGET, clock);
  const from = { address: config.EMAIL_FROM, name: config.EMAIL_FROM_NAME };
  return {
    name: "sendgrid",
    async send(delivery, signal, mayBegin) {
      const data = buildSendgridMail(delivery, from);
      if (data === undefined) return { kind: "rejected", reason: "content-missing" };
      return outcomeOf(await connections.exchange(signal, () => mail.send(data), mayBegin), clock.now());
    },
    async statusQuery(question, signal) {
      if (question.endpoint.channel !== "email") return unreadable("wrong-channel");
      const waitMs = activity.spend();
      if (waitMs !== undefined) return overBudget(waitMs);
      const call = { method: "GET", url: "/v3/messages", qs: buildActivityQuery(question) };
      return findingOf(await connections.exchange(signal, () => mail.client.request(call)), question, clock.now());
    },
    async [Symbol.asyncDispose]() {
      connections[Symbol.dispose]();
    },
  };
}

function outcomeOf(exchange: Exchange<unknown>, now: number): Outcome {
  const { status, headers } = exchange.seen;
  if (status === undefined || !isAnswered(exchange)) return breachOf(exchange);
  const body = exchange.kind === "threw" && isAnswer(exchange.error) ? exchange.error.response.body : undefined;
  return classifySendgrid({ status, headers, body, retryAfterMs: parseRetryAfter(headers["retry-after"], now), now });
}

function findingOf(exchange: Exchange<[unknown, unknown]>, question: StatusQuery, now: number): Finding {
  const { status, headers } = exchange.seen;
  if (status === undefined || !isAnswered(exchange)) return brokenOff(breachOf(exchange));
  if (exchange.kind === "returned" && status === 200) return readActivity(exchange.value[1], question);
  return rejected(status, parseRetryAfter(headers["retry-after"], now) ?? untilReset({ headers, now }));
}

const isAnswered = (exchange: Exchange<unknown>) => exchange.kind === "returned" || isAnswer(exchange.error);

const breachOf = (exchange: Exchange<unknown>) =>
  classifyTransport(exchange.kind === "threw" ? exchange.error : undefined, { written: exchange.seen.written });

/** The SDK's ResponseError (4xx, 5xx) or axios' own (3xx): a whole answer was read. */
const isAnswer = (error: unknown): error is { response: { body?: unknown } } =>
  error instanceof Error && "response" in error && typeof error.response === "object" && error.response !== null;

/** The SDK's class as it documents it; its types export one shared instance alone and leave out the client. */
interface Mailer {
  setApiKey(key: string): void;
  setTimeout(ms: number): void;
  send(mail: SendgridMail): Promise<unknown>;
  client: {
    setDefaultRequest(request: Record<string, unknown>): unknown;
    /** Resolves with the answer and its parsed body. */
    request(call: { method: string; url: string; qs: Record<string, string | number> }): Promise<[unknown, unknown]>;
  };
}
const { MailService } = sendgrid as unknown as { MailService: new () => Mailer };
