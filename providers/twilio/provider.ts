import twilio from "twilio";
import type RequestClient from "twilio/lib/base/RequestClient.js";
import { type Outcome, unsendable } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { barred, routeOf, type SmsAccount } from "../sms-senders.ts";
import { fieldOf, textFieldsOf } from "../transport/foreign.ts";
import { createJsonHttp, type Exchanged } from "../transport/json-http.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { withWords } from "../transport/provider-words.ts";
import { parseRetryAfter } from "../transport/retry-after.ts";
import { createSdkConnections, type Exchange, SDK_TIMEOUT_MS, type SdkConnections } from "../transport/sdk-connections.ts";
import { brokenOff, rejected, unreadable } from "../transport/status-query.ts";
import { classifyTransport } from "../transport/transport-fault.ts";
import { classifyTwilio } from "./classify.ts";
import { type TwilioConfig, twilioCredentials, twilioVariables } from "./config.ts";
import { buildTwilioMessage, isService, statusCallbacks, twilioLacks } from "./payload.ts";
import { type Attribute, attributed, candidates, isComparable, MESSAGES_READ, mayHaveMore, settledMs } from "./status-query.ts";

/** Twilio's Programmable Messaging: one Message create a send, with an API key of the account's or its auth token. Throws where neither can be used. */
export function createTwilioProvider(config: TwilioConfig, { clock, attribute }: { clock: Clock; attribute: Attribute }): Provider {
  const addressFilter = addressFilterFor(config.TWILIO_ORIGIN, twilioVariables.TWILIO_ORIGIN, config.OUTBOUND_ALLOWED_ADDRESSES);
  const connections = createSdkConnections({ origin: config.TWILIO_ORIGIN, ca: config.PROVIDER_CA_FILE, addressFilter });
  const { user, password } = twilioCredentials(config);
  const client = twilio(user, password, {
    accountSid: config.TWILIO_ACCOUNT_SID,
    httpClient: new RedirectedClient(config.TWILIO_ORIGIN, connections),
    autoRetry: false,
    lazyLoading: true,
  });
  // Messages are created without the SDK, whose client takes seven times the CPU time; status queries are few.
  const api = createJsonHttp({ origin: config.TWILIO_ORIGIN, ca: config.PROVIDER_CA_FILE, addressFilter });
  const path = `/2010-04-01/Accounts/${encodeURIComponent(config.TWILIO_ACCOUNT_SID)}/Messages.json`;
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
  const account: SmsAccount = {
    ...{ defaultFrom: config.TWILIO_FROM, senders: config.TWILIO_SENDERS },
    lacks: twilioLacks,
  };
  const statusCallback = statusCallbacks(config.TWILIO_STATUS_CALLBACK_URL);
  const deadlineMs = config.PROVIDER_DEADLINE_MS;
  return {
    name: "twilio",
    route: (what) => routeOf(account, what),
    async send(delivery, signal, mayBegin) {
      const route = routeOf(account, delivery);
      if (route.kind === "barred") return barred(route);
      const message = buildTwilioMessage(delivery, { from: route.from, statusCallback }, clock.now());
      if (message === undefined) return unsendable("content-missing");
      const created = await api.postForm(path, headers, message, signal, mayBegin);
      return created.kind === "none" ? created.outcome : outcomeOf(created, clock.now());
    },
    async statusQuery(question, signal) {
      if (question.endpoint.channel !== "sms") return unreadable("wrong-channel");
      const route = routeOf(account, question);
      if (route.kind === "barred") return unreadable(route.reason);
      if (!isComparable(question)) return unreadable("not-comparable");
      const { from } = route;
      // Not by date: what Twilio filters is when a message was sent, and one that waits in its queue was not. Not by service: there is no such filter.
      const filter = { to: question.endpoint.phoneNumber, ...(isService(from) ? {} : { from }), pageSize: MESSAGES_READ };
      const listed = await connections.exchange(signal, () => client.messages.page(filter));
      if (listed.kind === "threw") return unanswered(listed, clock.now());
      const { instances, nextPageUrl } = listed.value;
      const own = candidates(instances, question, { from, deadlineMs });
      if (own.length === 0 && mayHaveMore(instances, nextPageUrl !== undefined, question)) return unreadable("status-query-incomplete");
      return attributed(own, question, { attribute, isSettled: clock.now() >= question.startedAt + settledMs(deadlineMs) });
    },
    async [Symbol.asyncDispose]() {
      connections[Symbol.dispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

function outcomeOf({ status, headers, body }: Extract<Exchanged, { kind: "answer" }>, now: number): Outcome {
  if (status >= 200 && status < 300) {
    const sid = textFieldsOf(body)("sid");
    return sid === "" ? { kind: "unanswered", fault: { code: "bad-response" } } : { kind: "accepted", providerRef: sid };
  }
  const code = fieldOf(body, "code");
  const outcome = classifyTwilio({
    status,
    code: typeof code === "number" ? code : undefined,
    retryAfterMs: parseRetryAfter(headers["retry-after"], now),
  });
  return withWords(outcome, fieldOf(body, "message"));
}

function unanswered({ error, seen }: Extract<Exchange<unknown>, { kind: "threw" }>, now: number) {
  if (seen.status === 200) return unreadable("bad-response");
  if (seen.status === undefined || !isTwilioError(error)) return brokenOff(classifyTransport(error, { written: seen.written }));
  return rejected(seen.status, parseRetryAfter(seen.headers["retry-after"], now));
}

/** RestException and TwilioServiceException: the two the SDK makes of an answer. */
const isTwilioError = (error: unknown): error is { status: number; code: unknown } =>
  error instanceof Error && "status" in error && typeof error.status === "number" && !("config" in error);

/** The SDK builds its URLs from regions and edges; ours go to the configured origin, over our connections. */
class RedirectedClient extends twilio.RequestClient {
  readonly #origin: string;
  constructor(origin: string, connections: SdkConnections) {
    super({ timeout: SDK_TIMEOUT_MS });
    this.#origin = origin;
    Object.assign(this.axios.defaults, connections.axios);
  }

  override request<T>(options: RequestClient.RequestOptions<T>) {
    const { pathname, search } = new URL(options.uri);
    return super.request<T>({ ...options, uri: new URL(pathname + search, this.#origin).href });
  }
}
