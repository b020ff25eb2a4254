// Every invalid field is reported by its path and rule, and nothing is stored.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { notificationId } from "../../adapters/ids.ts";
import { DEV_APP } from "../../cli/dev/dev.ts";
import { contentToProto } from "../../core/content/content.ts";
import type { Channel } from "../../gen/carillon/v1/channel.ts";
import type { Notification } from "../../gen/carillon/v1/notification_service.ts";
import { fresh, freshNumber, freshToken } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { get, mail, phone, rejectionOf, send, toEndpoint } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(async () => {
  await system?.[Symbol.asyncDispose]();
});

const push = (about: { body?: string; data?: Record<string, string> }) =>
  contentToProto({ push: { title: "Hello", body: "there", data: {}, ...about } });
const email = (text: string) => contentToProto({ email: { subject: "Hello", html: "", text } });
const sms = (text: string) => contentToProto({ sms: { text } });
const device = toEndpoint({ channel: "apns", token: freshToken() });
const browser = (pushUrl: string) => toEndpoint({ ...{ channel: "webpush", ...system.sandbox.webPushSubscription("eve") }, pushUrl });
const inMs = (ms: number) => new Date(Date.now() + ms);

const FIELDS: readonly [what: string, about: () => Partial<Notification>, field: string, rule: string][] = [
  ["an unknown channel", () => ({ channels: [99 as Channel] }), "channels[0]", "enum.defined_only"],
  ["the same channel twice", () => ({ channels: [5, 5] }), "channels", "repeated.unique"],
  ["no recipient", () => ({ recipient: undefined }), "recipient", "required"],
  ["an empty recipient", () => ({ recipient: { to: undefined } }), "recipient.to", "required"],
  [
    "an empty endpoint",
    () => ({ recipient: { to: { $case: "endpoint", value: { address: undefined } } } }),
    "recipient.endpoint.address",
    "required",
  ],
  ["no content", () => ({ content: { push: undefined, sms: undefined, email: undefined } }), "content", "content.present"],
  ["no idempotency key", () => ({ idempotencyKey: "" }), "idempotency_key", "string.min_len"],
  ["an idempotency key with a space", () => ({ idempotencyKey: "a b" }), "idempotency_key", "string.pattern"],
  ["a push of 5 kB", () => ({ recipient: device, content: push({ body: "x".repeat(5_000) }) }), "content.push", "apns.bytes"],
  [
    "a number without its plus",
    () => ({ recipient: toEndpoint(phone("015112345678")) }),
    "recipient.endpoint.phone_number",
    "string.pattern",
  ],
  [
    "a device token that is not hexadecimal",
    () => ({ recipient: toEndpoint({ channel: "apns", token: "not-a-token" }) }),
    "recipient.endpoint.apns_token",
    "string.pattern",
  ],
  ["an address without a host", () => ({ recipient: toEndpoint(mail("ada")) }), "recipient.endpoint.email_address", "string.email"],
  ["send_at in the past", () => ({ sendAt: inMs(-120_000) }), "send_at", "time.future"],
  ["send_at in a year", () => ({ sendAt: inMs(365 * 86_400_000) }), "send_at", "time.horizon"],
  ["expires_at before send_at", () => ({ sendAt: inMs(60_000), expiresAt: inMs(30_000) }), "expires_at", "time.order"],
  ["expires_at in the past", () => ({ expiresAt: inMs(-1_000) }), "expires_at", "time.future"],
  [
    "a push URL at the cloud's metadata",
    () => ({ recipient: browser("https://169.254.169.254/latest/meta-data"), content: push({}) }),
    "recipient.endpoint.web_push_subscription.push_url",
    "push_url.host",
  ],
  [
    "a push URL with an allowed name as user",
    () => ({ recipient: browser("https://fcm.googleapis.com@10.0.0.1/x"), content: push({}) }),
    "recipient.endpoint.web_push_subscription.push_url",
    "push_url.host",
  ],
  [
    "a push URL at another port of an allowed host",
    () => ({ recipient: browser("https://127.0.0.1:6379/"), content: push({}) }),
    "recipient.endpoint.web_push_subscription.push_url",
    "push_url.host",
  ],
  [
    "a push URL without TLS",
    () => ({ recipient: browser("http://fcm.googleapis.com/x"), content: push({}) }),
    "recipient.endpoint.web_push_subscription.push_url",
    "string.pattern",
  ],
  [
    "a data key that Carillon reserves",
    () => ({ recipient: device, content: push({ data: { carillon_delivery: "1" } }) }),
    "content.push.data",
    "data.reserved",
  ],
  [
    "a data key that FCM reserves",
    () => ({ recipient: toEndpoint({ channel: "fcm", token: freshToken() }), content: push({ data: { from: "me" } }) }),
    "content.push.data",
    "data.reserved",
  ],
  [
    "a text of 11 segments",
    () => ({ recipient: toEndpoint(phone(freshNumber())), content: sms("x".repeat(1_531)) }),
    "content.sms.text",
    "sms.segments",
  ],
  ["an e-mail of more than 512 kB", () => ({ content: email("x".repeat(600_000)) }), "content.email", "email.bytes"],
  [
    "a subject of two lines",
    () => ({ content: contentToProto({ email: { subject: "Hi\r\nBcc: eve@example.com", html: "", text: "hi" } }) }),
    "content.email.subject",
    "string.pattern",
  ],
  [
    "no content for the endpoint",
    () => ({ recipient: toEndpoint(phone(freshNumber())), content: email("hi") }),
    "content.sms",
    "content.required",
  ],
];

test("each invalid field is reported with its rule, and nothing is stored", async (t) => {
  for (const [what, about, field, rule] of FIELDS)
    await t.test(what, async () => {
      const key = fresh("bad");
      const count = await system.stored();
      const rejection = await rejectionOf(send(system, { idempotencyKey: key, ...about() }));
      assert.deepEqual({ code: status[rejection.code], reason: rejection.reason }, { code: "INVALID_ARGUMENT", reason: "INVALID_FIELD" });
      assert.deepEqual(rejection.fields[0] && { field: rejection.fields[0].field, rule: rejection.fields[0].rule }, {
        field: `notification.${field}`,
        rule,
      });
      assert.deepEqual(new Set(rejection.fields.map((f) => f.field)), new Set([`notification.${field}`]), "and nothing else");
      await nothingStored(count, key);
    });
});

async function nothingStored(countBefore: number, key: string): Promise<void> {
  assert.equal(await system.stored(), countBefore);
  const rejection = await rejectionOf(get(system, notificationId(DEV_APP, key)));
  assert.deepEqual([rejection.code, rejection.reason], [status.NOT_FOUND, "NOT_FOUND"]);
}
