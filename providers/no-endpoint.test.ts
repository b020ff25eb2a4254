// What a provider answers may repeat whom the call was to, and what it said. Of that nothing is kept with the attempt, which viewers of the console see.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../core/delivery/outcome.ts";
import { classifyApns } from "./apns/classify.ts";
import { classifyFcm } from "./fcm/classify.ts";
import { classifyMandrill } from "./mandrill/classify.ts";
import { classifySendgrid, firstMessage } from "./sendgrid/classify.ts";
import { classifyFailure } from "./smtp/classify.ts";
import { withWords } from "./transport/provider-words.ts";
import { classifyTwilio } from "./twilio/classify.ts";
import { classifyVonage } from "./vonage/classify.ts";
import { classifyWebPush } from "./webpush/classify.ts";

const SECRETS = ["hana@example.com", "hana%40example.com", "+821055501017", "010-5550-1017", "8ed1f00d5c7a".repeat(5), "482913"];
const STATUSES = [200, 202, 301, 400, 401, 402, 403, 404, 410, 413, 429, 500, 502, 503];
const soon = { retryAfterMs: undefined, hasRecentSuccess: true, tokenFresh: true, tokenReplaceable: false };

/** As each provider writes an error that quotes the text in every field of words. */
const ANSWERS: Readonly<Record<string, (status: number, text: string) => Outcome>> = {
  apns: (status, reason) => classifyApns({ ...soon, status, reason, timestamp: undefined }),
  fcm: (status, text) => {
    const fields = [`message.data.${text}`, `message.android.${text}`, text];
    const details = [
      { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: fields.map((field) => ({ field, description: text })) },
    ];
    return classifyFcm({ ...soon, status, body: { error: { status: "INVALID_ARGUMENT", message: text, details } } });
  },
  webpush: (status, body) => classifyWebPush({ ...soon, status, body }),
  twilio: (status, message) => withWords(classifyTwilio({ ...soon, status, code: undefined }), message),
  vonage: (status, text) => {
    const body = { title: text, messages: [{ status: "3", "error-text": text, to: text, "message-id": "m" }] };
    return withWords(classifyVonage({ ...soon, status, body }), text);
  },
  sendgrid: (status, text) => {
    const body = { errors: [{ message: text, field: text, help: text }] };
    return withWords(classifySendgrid({ ...soon, status, body, headers: {}, now: 0 }), firstMessage(body));
  },
  mandrill: (status, text) => {
    const rejected = { email: text, status: "rejected", reject_reason: text, queued_reason: text, _id: "m" };
    return withWords(classifyMandrill({ ...soon, status, body: status === 200 ? [rejected] : { name: text, message: text } }), text);
  },
  smtp: (status, text) => {
    const response = `${status >= 500 ? "550 5.1.1" : "450 4.2.1"} <${text}>: ${text}`;
    return classifyFailure({
      error: Object.assign(new Error(text), { code: "EENVELOPE", command: "RCPT TO", response }),
      dotWritten: false,
    });
  },
};

for (const [provider, classify] of Object.entries(ANSWERS))
  test(`an answer of ${provider} that repeats an address, a number, a token or content leaves none of it`, () => {
    for (const status of STATUSES)
      for (const secret of SECRETS)
        for (const text of [secret, `no such user ${secret} here`]) {
          const kept = JSON.stringify(classify(status, text)).toLowerCase();
          for (const part of [secret, secret.replaceAll(/[^a-z0-9]/g, "")]) assert.ok(!kept.includes(part), `${status} ${text}: ${kept}`);
        }
  });

test("the providers that are asked are all that there are", async () => {
  const { PROVIDERS } = await import("./list.ts");
  assert.deepEqual(Object.keys(ANSWERS).sort(), PROVIDERS.map(({ name }) => name).sort());
});
