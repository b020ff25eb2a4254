import { unsendable } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { MayBegin, Provider } from "../../core/ports/provider.ts";
import { blameContent } from "../email-outcome.ts";
import { createCallBudget } from "../transport/call-budget.ts";
import { fieldOf } from "../transport/foreign.ts";
import { createJsonHttp } from "../transport/json-http.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { withWords } from "../transport/provider-words.ts";
import { parseRetryAfter } from "../transport/retry-after.ts";
import { brokenOff, overBudget, rejected, unreadable } from "../transport/status-query.ts";
import { classifyMandrill } from "./classify.ts";
import { type MandrillConfig, mandrillVariables } from "./config.ts";
import { buildMandrillMail, mandrillRoute } from "./payload.ts";
import { buildMandrillSearch, readMandrillSearch, SEARCH_BUDGET } from "./status-query.ts";

/** Reasons that are about the account: a wrong key, or no credit. */
const OF_ACCOUNT: ReadonlySet<string> = new Set(["authentication", "payment-required", "http-401", "http-402", "test-mode-limit"]);

/** Mailchimp Transactional: one JSON POST a call. Without its SDK, which resolves with errors and is under a licence of its own. */
export function createMandrillProvider(config: MandrillConfig, { clock }: { clock: Clock }): Provider {
  const addressFilter = addressFilterFor(config.MANDRILL_ORIGIN, mandrillVariables.MANDRILL_ORIGIN, config.OUTBOUND_ALLOWED_ADDRESSES);
  const api = createJsonHttp({ origin: config.MANDRILL_ORIGIN, ca: config.PROVIDER_CA_FILE, addressFilter });
  const searches = createCallBudget(SEARCH_BUDGET, clock);
  const call = (method: string, request: object, signal: AbortSignal, mayBegin?: MayBegin) =>
    api.post(`/api/1.3/messages/${method}`, {}, { key: config.MANDRILL_API_KEY_FILE, ...request }, signal, mayBegin);
  return {
    name: "mandrill",
    route: mandrillRoute,
    async send(delivery, signal, mayBegin) {
      const request = buildMandrillMail(delivery, config);
      if (typeof request === "string") return unsendable(request);
      const posted = await call("send", request, signal, mayBegin);
      if (posted.kind === "none") return posted.outcome;
      const { status, headers, body } = posted;
      const outcome = classifyMandrill({ status, body, retryAfterMs: parseRetryAfter(headers["retry-after"], clock.now()) });
      const blamed = blameContent(outcome, delivery, { senders: config, provider: "mandrill", ofAccount: OF_ACCOUNT });
      return withWords(blamed, fieldOf(body, "message"));
    },
    async statusQuery(question, signal) {
      const search = buildMandrillSearch(question);
      if (search === undefined) return unreadable("wrong-channel");
      const waitMs = searches.spend();
      if (waitMs !== undefined) return overBudget(waitMs);
      const answer = await call("search", search, signal);
      if (answer.kind === "none") return brokenOff(answer.outcome);
      if (answer.status !== 200) return rejected(answer.status, parseRetryAfter(answer.headers["retry-after"], clock.now()));
      return readMandrillSearch(answer.body, question);
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}
