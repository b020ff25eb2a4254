import type { Clock } from "../../../core/ports/clock.ts";
import type { Provider } from "../../../core/ports/provider.ts";
import { createJsonPost } from "../../transport/json-post.ts";
import { parseRetryAfter } from "../../transport/retry-after.ts";
import type { EmailConfig } from "../config.ts";
import { classifyMandrill } from "./classify.ts";
import { buildMandrillMail } from "./payload.ts";

/** Mailchimp Transactional: one JSON POST a send. Without its SDK, which resolves with errors and is under a licence of its own. */
export function createMandrillProvider(config: EmailConfig, { clock }: { clock: Clock }): Provider {
  const api = createJsonPost({ origin: config.MANDRILL_ORIGIN, ca: config.PROVIDER_CA_FILE });
  const from = { address: config.EMAIL_FROM, name: config.EMAIL_FROM_NAME };
  return {
    name: "mandrill",
    async send(delivery, signal) {
      const request = buildMandrillMail(delivery, from);
      if (request === undefined) return { kind: "rejected", reason: "content-missing" };
      const posted = await api.post("/api/1.3/messages/send", {}, { key: config.MANDRILL_API_KEY_FILE, ...request }, signal);
      if (posted.kind === "none") return posted.outcome;
      const { status, headers, body } = posted;
      return classifyMandrill({ status, body, retryAfterMs: parseRetryAfter(headers["retry-after"], clock.now()) });
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}
