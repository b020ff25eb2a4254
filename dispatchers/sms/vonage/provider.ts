import type { Clock } from "../../../core/ports/clock.ts";
import type { Provider } from "../../../core/ports/provider.ts";
import { createJsonPost } from "../../transport/json-post.ts";
import { parseRetryAfter } from "../../transport/retry-after.ts";
import type { SmsConfig } from "../config.ts";
import { classifyVonage } from "./classify.ts";
import { buildVonageMessage } from "./payload.ts";

/** Vonage's SMS API: one JSON POST a send, with key and secret as Basic credentials. */
export function createVonageProvider(config: SmsConfig, { clock }: { clock: Clock }): Provider {
  const api = createJsonPost({ origin: config.VONAGE_ORIGIN, ca: config.PROVIDER_CA_FILE });
  const authorization = `Basic ${Buffer.from(`${config.VONAGE_API_KEY}:${config.VONAGE_API_SECRET_FILE}`).toString("base64")}`;
  return {
    name: "vonage",
    async send(delivery, signal) {
      const message = buildVonageMessage(delivery, { from: config.VONAGE_FROM }, clock.now());
      if (message === undefined) return { kind: "rejected", reason: "content-missing" };
      const posted = await api.post("/sms/json", { authorization }, message, signal);
      if (posted.kind === "none") return posted.outcome;
      const { status, headers, body } = posted;
      return classifyVonage({ status, body, retryAfterMs: parseRetryAfter(headers["retry-after"], clock.now()) });
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}
