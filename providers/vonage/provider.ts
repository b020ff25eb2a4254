import { unsendable } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { barred, routeOf, type SmsAccount } from "../sms-senders.ts";
import { fieldOf } from "../transport/foreign.ts";
import { createJsonHttp } from "../transport/json-http.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { withWords } from "../transport/provider-words.ts";
import { parseRetryAfter } from "../transport/retry-after.ts";
import { brokenOff, rejected, unreadable } from "../transport/status-query.ts";
import { classifyVonage } from "./classify.ts";
import { type VonageConfig, vonageAuthorization, vonageVariables } from "./config.ts";
import { buildVonageMessage, vonageLacks } from "./payload.ts";
import { buildRecordsPath, REPORT_SOCKETS_MAX, readRecords } from "./status-query.ts";

/** Vonage's SMS API: one JSON POST a send, with key and secret as Basic credentials. Its Reports API, elsewhere, answers status queries. */
export function createVonageProvider(config: VonageConfig, { clock }: { clock: Clock }): Provider {
  const ca = config.PROVIDER_CA_FILE;
  const { VONAGE_ORIGIN, VONAGE_REPORTS_ORIGIN } = vonageVariables;
  const allowed = config.OUTBOUND_ALLOWED_ADDRESSES;
  const api = createJsonHttp({
    origin: config.VONAGE_ORIGIN,
    ca,
    addressFilter: addressFilterFor(config.VONAGE_ORIGIN, VONAGE_ORIGIN, allowed),
  });
  const reports = createJsonHttp({
    ...{ origin: config.VONAGE_REPORTS_ORIGIN, ca, connectionsMax: REPORT_SOCKETS_MAX },
    addressFilter: addressFilterFor(config.VONAGE_REPORTS_ORIGIN, VONAGE_REPORTS_ORIGIN, allowed),
  });
  const authorization = vonageAuthorization(config);
  const account: SmsAccount = {
    ...{ defaultFrom: config.VONAGE_FROM, senders: config.VONAGE_SENDERS },
    lacks: vonageLacks,
  };
  return {
    name: "vonage",
    route: (what) => routeOf(account, what),
    async send(delivery, signal, mayBegin) {
      const route = routeOf(account, delivery);
      if (route.kind === "barred") return barred(route);
      const message = buildVonageMessage(delivery, { from: route.from }, clock.now());
      if (message === undefined) return unsendable("content-missing");
      const posted = await api.post("/sms/json", { authorization }, message, signal, mayBegin);
      if (posted.kind === "none") return posted.outcome;
      const { status, headers, body } = posted;
      const outcome = classifyVonage({ status, body, retryAfterMs: parseRetryAfter(headers["retry-after"], clock.now()) });
      return withWords(outcome, fieldOf(body, "title") ?? fieldOf(body, "error-code-label"));
    },
    async statusQuery(question, signal) {
      const path = buildRecordsPath(question, config.VONAGE_API_KEY);
      if (path === undefined) return unreadable("wrong-channel");
      const answer = await reports.get(path, { authorization }, signal);
      if (answer.kind === "none") return brokenOff(answer.outcome);
      if (answer.status !== 200) return rejected(answer.status, parseRetryAfter(answer.headers["retry-after"], clock.now()));
      return readRecords(answer.body, question);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([api[Symbol.asyncDispose](), reports[Symbol.asyncDispose]()]);
    },
  };
}
