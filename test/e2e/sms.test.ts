// Texts as the providers' own documentation sends them, from the caller to the provider.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { contentToProto } from "../../core/content/content.ts";
import type { SmsContent } from "../../core/content/sms-content.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, phone, rejectionOf, send, toEndpoint, wentOut } from "./calls.ts";

/** A Messaging Service of the account's; the simulated Twilio knows every one. */
const SERVICE = `MG${"2f1c".repeat(8)}`;
let system: TestSystem;
before(async () => {
  system = await startSystem({
    SMS_SENDERS: "otp,menu,dlt,news",
    TWILIO_SENDERS: `otp=${SERVICE},menu=+15005550006`,
    VONAGE_SENDERS: "dlt=SHOPIN",
  });
});
after(() => system?.[Symbol.asyncDispose]());

interface Sent {
  what: string;
  to: string;
  sms: SmsContent;
  ttlSeconds?: number;
  provider: "twilio" | "vonage";
  /** The documented request, with our values. */
  arrives: Record<string, unknown>;
  /** What Carillon adds: lifetime, receipt and encoding. */
  added: string[];
}

const ADDED_TWILIO = ["SmartEncoded", "StatusCallback", "ValidityPeriod"];
const SENT: Sent[] = [
  {
    what: "Twilio: a one-time code by a Messaging Service, dropped from the queue after two minutes",
    to: "+15558675310",
    sms: { text: "123456 is your code.\n\n@shop.example #123456", sender: "otp" },
    ttlSeconds: 120,
    provider: "twilio",
    arrives: {
      ...{ To: "+15558675310", MessagingServiceSid: SERVICE, Body: "123456 is your code.\n\n@shop.example #123456" },
      ValidityPeriod: "120",
    },
    added: ["SmartEncoded", "StatusCallback"],
  },
  {
    what: "Twilio: a picture with a text, from a number",
    to: "+15558675311",
    sms: { text: "McAvoy or Stewart? These timelines can get so confusing.", sender: "menu", mediaUrls: ["https://img.example/a.jpg"] },
    provider: "twilio",
    arrives: {
      ...{ To: "+15558675311", From: "+15005550006", Body: "McAvoy or Stewart? These timelines can get so confusing." },
      MediaUrl: "https://img.example/a.jpg",
    },
    added: ADDED_TWILIO,
  },
  {
    what: "Vonage: a flash text in Unicode",
    to: "+447700900000",
    sms: { text: "こんにちは世界", flash: true },
    provider: "vonage",
    arrives: { from: "Carillon", to: "447700900000", text: "こんにちは世界", type: "unicode", "message-class": 0 },
    added: ["client-ref", "ttl"],
  },
  {
    what: "Vonage: a text to India, with the ids of sender and template that its regulator gave out",
    to: "+919876543210",
    sms: {
      text: "Dear customer, your order 17 is on its way.",
      sender: "dlt",
      registeredEntity: "1101456324000123456",
      registeredTemplate: "1107457532000123456",
    },
    provider: "vonage",
    arrives: {
      ...{ from: "SHOPIN", to: "919876543210", text: "Dear customer, your order 17 is on its way.", type: "text" },
      ...{ "entity-id": "1101456324000123456", "content-id": "1107457532000123456" },
    },
    added: ["client-ref", "ttl"],
  },
];

const textTo = (to: string, sms: SmsContent, ttlSeconds?: number) =>
  send(system, { recipient: toEndpoint(phone(to)), content: contentToProto({ sms }), ttlSeconds });

for (const { what, to, sms, ttlSeconds, provider, arrives, added } of SENT)
  test(what, async () => {
    const { id } = await ended(system, await textTo(to, sms, ttlSeconds));
    const [entry, ...more] = system.sandbox.ledger.entries({ deliveryId: id });
    assert.deepEqual([entry?.provider, entry?.accepted, more], [provider, true, []]);
    const payload = entry!.payload as Record<string, unknown>;
    assert.deepEqual(Object.keys(payload).toSorted(), [...Object.keys(arrives), ...added].toSorted());
    for (const [name, value] of Object.entries(arrives)) assert.equal(String(payload[name]), String(value), name);
  });

test("a sender's name that no account has ends its own text alone; one that the app may not use is told at once", async () => {
  const { state, reason, attempt } = await ended(system, await textTo("+15558675312", { text: "News", sender: "news" }));
  assert.deepEqual([state, reason, attempt], ["failed", { code: "rejected", detail: "unknown-sender" }, 1]);
  const error = await rejectionOf(textTo("+15558675312", { text: "News", sender: "other" }));
  assert.deepEqual([error.reason, error.fields?.[0]?.field], ["SENDER_NOT_ALLOWED", "notification.content.sms.sender"]);
  assert.ok(wentOut(await ended(system, await textTo("+15558675313", { text: "Hello" }))));
});
