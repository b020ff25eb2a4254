import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../runtime/config.ts";
import { configFaultsOf } from "../test/support/config-faults.ts";
import { sampleSms } from "../test/support/delivery-samples.ts";
import { routeOf } from "./sms-senders.ts";
import { twilioVariables } from "./twilio/config.ts";
import { vonageVariables } from "./vonage/config.ts";

const SERVICE = `MG${"0123456789abcdef".repeat(2)}`;
const read = (TWILIO_SENDERS: string, TWILIO_FROM = "+15005550006") => readConfig(twilioVariables, { TWILIO_SENDERS, TWILIO_FROM });
const route = (senders: string, sender: string | undefined, phoneNumber = "+4915112345678") => {
  const { TWILIO_FROM, TWILIO_SENDERS } = read(senders);
  const account = { defaultFrom: TWILIO_FROM, senders: TWILIO_SENDERS, lacks: () => undefined };
  return routeOf(account, sampleSms({ phoneNumber, sms: { sender } }));
};

test("a sender is a Messaging Service, a number, a short code or a name, by its own name and by country", () => {
  const senders = `otp=${SERVICE}, orders=72345, orders@+49=Shop & Co,orders@+49151=Shop,@+44=Shop UK,`;
  assert.deepEqual(route(senders, "otp"), { kind: "open", from: SERVICE, sender: "otp" });
  assert.deepEqual(route(senders, "orders", "+33612345678"), { kind: "open", from: "72345", sender: "orders" });
  assert.deepEqual(route(senders, "orders", "+4930123456"), { kind: "open", from: "Shop & Co", sender: "orders@+49" });
  assert.deepEqual(route(senders, "orders"), { kind: "open", from: "Shop", sender: "orders@+49151" });
});

test("a text that names no sender comes from its country's, else from the default", () => {
  assert.deepEqual(route("orders=72345,@+44=Shop UK", undefined, "+447700900123"), { kind: "open", from: "Shop UK", sender: "@+44" });
  assert.deepEqual(route("orders=72345,@+44=Shop UK", undefined), { kind: "open", from: "+15005550006" });
});

test("a name that the account does not have, or not for this country, is never replaced by another sender", () => {
  assert.deepEqual(route("otp=72345,orders@+44=Shop,@+49=Shop", "orders"), { kind: "barred", reason: "unknown-sender" });
  assert.deepEqual(route("", "orders"), { kind: "barred", reason: "unknown-sender" });
});

test("a mistake in the senders names the entry and the rule, never the value", () => {
  const cases: [senders: string, rule: RegExp][] = [
    ["orders", /entry 1 must be name=sender/],
    ["otp=72345,=hunter2", /entry 2 must be name=sender/],
    ["Orders=hunter2", /entry 1 must have a name of/],
    ["orders@49=hunter2", /entry 1 must have a prefix such as \+49/],
    ["orders@=hunter2", /entry 1 must have a prefix/],
    ["orders=hunter2hunter2", /entry 1 must have after the = a Messaging Service/],
    ["orders=MG123hunter2", /entry 1 must have after the =/],
    ["orders=1", /entry 1 must have after the =/],
    ["orders=72345,otp=72345,orders=72346", /entry 3 has the name and prefix of another/],
  ];
  for (const [senders, rule] of cases) {
    const faults = configFaultsOf(() => read(senders)).join();
    assert.match(faults, rule);
    assert.doesNotMatch(faults, /hunter2/);
  }
  assert.match(configFaultsOf(() => read("", "hunter2hunter2")).join(), /^TWILIO_FROM: must be a Messaging Service.*has 14 characters$/);
  const vonage = (VONAGE_FROM: string) => configFaultsOf(() => readConfig(vonageVariables, { VONAGE_FROM }));
  assert.match(vonage(SERVICE).join(), /^VONAGE_FROM: must be a number, a short code, or a name/);
});
