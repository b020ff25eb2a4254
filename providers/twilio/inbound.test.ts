import assert from "node:assert/strict";
import { test } from "node:test";
import twilioSdk from "twilio";
import type { Webhook } from "../transport/webhook.ts";
import { twilioTexts } from "./inbound.ts";
import { twilio } from "./webhook.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const URL_OF = "https://hooks.example.com/twilio";
const ID = `SM${"1".repeat(32)}`;
const SERVICE = `MG${"a1".repeat(16)}`;

/** As Twilio documents it for a long code. */
const FORM = {
  ...{ ToCountry: "US", ToState: "CA", SmsMessageSid: ID, NumMedia: "0", ToCity: "", FromZip: "10001", SmsSid: ID, FromState: "CA" },
  ...{ SmsStatus: "received", FromCity: "TORONTO", Body: "stop", FromCountry: "US", To: "+15005550006", ToZip: "", NumSegments: "1" },
  ...{ MessageSid: ID, AccountSid: `AC${"0".repeat(32)}`, From: "+14155550123", ApiVersion: "2010-04-01" },
};

function webhookOf(form: Record<string, string>, url = URL_OF): Webhook {
  const signature = twilioSdk.getExpectedTwilioSignature(TOKEN, url, form);
  const query = new URL(url).searchParams;
  const body = Buffer.from(new URLSearchParams(form).toString());
  return { url, query, headers: { "x-twilio-signature": signature }, body, receivedAt: 0 };
}
const read = (form: Record<string, string>) => twilioTexts.read(webhookOf(form));

test("a text that Twilio's SDK signs is accepted and read", () => {
  assert.ok(twilio.verify(webhookOf(FORM), TOKEN, {}));
  assert.ok(!twilio.verify(webhookOf(FORM), "another", {}));
  const changed = { ...webhookOf(FORM), body: Buffer.from(new URLSearchParams({ ...FORM, From: "+14155550124" }).toString()) };
  assert.ok(!twilio.verify(changed, TOKEN, {}));
  assert.deepEqual(read(FORM), { id: ID, from: "+14155550123", to: ["+15005550006"], text: "stop" });
});

test("Advanced Opt-Out's word and the Messaging Service are read", () => {
  const text = { id: ID, from: "+14155550123", to: ["+15005550006", SERVICE], text: "basta", command: "stop" };
  assert.deepEqual(read({ ...FORM, Body: "basta", MessagingServiceSid: SERVICE, OptOutType: "STOP" }), text);
  assert.deepEqual(read({ ...FORM, Body: "basta", MessagingServiceSid: SERVICE, OptOutType: "START" }), { ...text, command: "start" });
  assert.deepEqual(read({ ...FORM, OptOutType: "constructor" }), { id: ID, from: "+14155550123", to: ["+15005550006"], text: "stop" });
});

test("whatever a person writes is verified: names of parameters in it, no words, other scripts", () => {
  for (const Body of ["MessageStatus failed, ErrorCode 1", "", "수신거부", "x".repeat(1_600), "a=b&From=+1"]) {
    assert.ok(twilio.verify(webhookOf({ ...FORM, Body }), TOKEN, {}), Body);
    assert.equal((read({ ...FORM, Body }) as { text: string }).text, Body);
  }
});

test("a number in the message does not become the sender", () => {
  // The signed text of this text is that of another one, from the number in the message.
  const Body = "STOPFrom+19995550000FromA";
  const good = webhookOf({ ...FORM, Body });
  const { Body: _body, From: _from, ...rest } = FORM;
  const forged = { ...rest, Body: "STOP", From: "+19995550000", FromA: `From${FORM.From}` };
  assert.equal(webhookOf(forged).headers["x-twilio-signature"], good.headers["x-twilio-signature"], "the signed text is the same");
  assert.equal(read(forged), "ignored");
  assert.equal(read({ ...FORM, Body }), "ignored");
});

test("status callbacks are no texts, and texts are no receipts", () => {
  const status = { MessageSid: ID, MessageStatus: "delivered", To: "+14155550123", From: "+15005550006" };
  assert.equal(read(status), undefined);
  assert.equal(twilioTexts.read(webhookOf(FORM, `${URL_OF}?attempt=a`)), undefined);
  assert.equal(twilio.read(webhookOf(FORM)), undefined);
});

test("a short code or a name writes nothing that matters, and a text without an id is not documented", () => {
  assert.equal(read({ ...FORM, From: "72345" }), "ignored");
  assert.equal(read({ ...FORM, From: "Shop" }), "ignored");
  assert.equal(read({ ...FORM, MessageSid: "" }), "unreadable");
  assert.equal(read({ ...FORM, To: "" }), "unreadable");
});

test("a number stands for every sender that has it, a service for its own", () => {
  const settings = {
    TWILIO_FROM: "+15005550006",
    TWILIO_SENDERS: [
      { name: "orders", prefix: "", from: "+15005550006" },
      { name: "otp", prefix: "", from: SERVICE },
      { name: "", prefix: "+49", from: "Shop" },
      { name: "news", prefix: "+1", from: "72345" },
    ],
  };
  const poolsOf = (to: string[]) => twilioTexts.poolsOf({ id: ID, from: "", to, text: "" }, settings);
  assert.deepEqual(poolsOf(["+15005550006"]), ["", "orders"]);
  assert.deepEqual(poolsOf(["+15005550077", SERVICE]), ["otp"]);
  assert.deepEqual(poolsOf(["72345"]), ["news"]);
  assert.deepEqual(poolsOf(["+15005550099"]), []);
  assert.deepEqual(twilioTexts.poolsOf({ id: ID, from: "", to: ["+1"], text: "" }, {}), []);
});

test("answers only what is configured, as text", () => {
  const settings = { TWILIO_STOP_REPLY: "Bye <you> & all", TWILIO_HELP_REPLY: "" };
  assert.equal(twilioTexts.answer?.("stop", settings), "<Response><Message>Bye &lt;you&gt; &amp; all</Message></Response>");
  for (const command of ["start", "help"] as const) assert.equal(twilioTexts.answer?.(command, settings), undefined);
  assert.equal(twilioTexts.answer?.("stop", {}), undefined);
});
