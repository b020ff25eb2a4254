import { unsendable } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { blameContent } from "../email-outcome.ts";
import { createCallBudget } from "../transport/call-budget.ts";
import { createJsonHttp } from "../transport/json-http.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { withWords } from "../transport/provider-words.ts";
import { parseRetryAfter } from "../transport/retry-after.ts";
import { brokenOff, overBudget, rejected, unreadable } from "../transport/status-query.ts";
import { classifySendgrid, firstMessage, untilReset } from "./classify.ts";
import { type SendgridConfig, sendgridVariables } from "./config.ts";
import { buildSendgridMail } from "./payload.ts";
import { ACTIVITY_BUDGET, buildActivityPath, readActivity } from "./status-query.ts";

/** Reasons that are about the account: a wrong key, credits used up, another region. */
const OF_ACCOUNT: ReadonlySet<string> = new Set(["http-401", "http-451"]);

/** SendGrid's v3 Mail Send: one mail to one address a send. */
export function createSendgridProvider(config: SendgridConfig, { clock }: { clock: Clock }): Provider {
  const addressFilter = addressFilterFor(config.SENDGRID_ORIGIN, sendgridVariables.SENDGRID_ORIGIN, config.OUTBOUND_ALLOWED_ADDRESSES);
  const api = createJsonHttp({ origin: config.SENDGRID_ORIGIN, ca: config.PROVIDER_CA_FILE, addressFilter });
  const authorization = `Bearer ${config.SENDGRID_API_KEY_FILE}`;
  const activity = createCallBudget(ACTIVITY_BUDGET, clock);
  return {
    name: "sendgrid",
    async send(delivery, signal, mayBegin) {
      const mail = buildSendgridMail(delivery, config);
      if (typeof mail === "string") return unsendable(mail);
      const posted = await api.post("/v3/mail/send", { authorization }, mail, signal, mayBegin);
      if (posted.kind === "none") return posted.outcome;
      const { status, headers, body } = posted;
      const now = clock.now();
      const outcome = classifySendgrid({ status, headers, body, retryAfterMs: parseRetryAfter(headers["retry-after"], now), now });
      const blamed = blameContent(outcome, delivery, { senders: config, provider: "sendgrid", ofAccount: OF_ACCOUNT });
      return withWords(blamed, firstMessage(body));
    },
    async statusQuery(question, signal) {
      if (question.endpoint.channel !== "email") return unreadable("wrong-channel");
      const waitMs = activity.spend();
      if (waitMs !== undefined) return overBudget(waitMs);
      const answer = await api.get(buildActivityPath(question), { authorization }, signal);
      if (answer.kind === "none") return brokenOff(answer.outcome);
      const { status, headers, body } = answer;
      if (status === 200) return readActivity(body, question);
      const now = clock.now();
      return rejected(status, parseRetryAfter(headers["retry-after"], now) ?? untilReset({ headers, now }));
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}
