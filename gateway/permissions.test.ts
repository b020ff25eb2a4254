// Which classes an app may use, and to which numbers it may send.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { contentToProto } from "../core/content/content.ts";
import { isCallError } from "../runtime/call-error.ts";
import { type AcceptWorld, errorOf, smsMessage as sms } from "../test/support/accept-world.ts";
import { appOf, reasons, useQuotaWorld } from "../test/support/quota-world.ts";
import { createContactHandlers } from "./contact-handlers.ts";

const quota = useQuotaWorld();
const { setUp } = quota;
let world: AcceptWorld;
beforeEach(() => {
  ({ world } = quota);
});

test("an app may send only in its classes", async () => {
  const { sendAs } = setUp();
  const app = appOf({ classes: ["marketing", "transactional"] });
  const results = await sendAs(app, sms("a"), sms("c", { notificationClass: 1 }));
  assert.deepEqual(reasons(results), ["accepted", "CLASS_NOT_ENABLED"]);
  const { code, fields } = errorOf(results[1])!;
  assert.deepEqual([code, fields?.[0]?.field], ["FAILED_PRECONDITION", "notifications[1].notification_class"]);
});

test("SMS go only to the numbers that an app may send to, never to premium-rate or satellite numbers unless named", async () => {
  const { store, clock } = world;
  const { sendAs } = setUp({ smsPrefixes: ["+49", "+1"] });
  const to = (phoneNumber: string) =>
    sms(phoneNumber, { recipient: { to: { $case: "endpoint", value: { address: { $case: "phoneNumber", value: phoneNumber } } } } });
  const numbers = ["+4915112345678", "+33612345678", "+19005550123", "+12025550123", "+881612345678", "+883510012345", "+97912345678"];
  const [ok, barred] = ["accepted", "DESTINATION_NOT_ALLOWED"];
  assert.deepEqual(reasons(await sendAs(appOf({}), ...numbers.map(to))), [ok, barred, barred, ok, barred, barred, barred]);
  const own = appOf({ smsPrefixes: ["+33", "+1900"] }, "own");
  assert.deepEqual(reasons(await sendAs(own, ...numbers.map(to))), [barred, ok, ok, barred, barred, barred, barred]);
  assert.deepEqual(reasons(await sendAs(appOf({ smsPrefixes: [] }, "none"), to(numbers[0]!))), [barred]);
  const error = errorOf((await sendAs(appOf({}), to("+33612345678")))[0]);
  assert.deepEqual([error?.code, error?.fields?.[0]?.field], ["FAILED_PRECONDITION", "notifications[0].recipient.endpoint.phone_number"]);

  const handlers = createContactHandlers({ contacts: store.contacts, pushHosts: [], smsPrefixes: ["+49"], clock });
  const context = { caller: appOf({}), signal: new AbortController().signal, deadlineAt: 0, traceparent: undefined };
  const register = (value: string) =>
    handlers.registerContact({ userId: "ann", endpoint: { address: { $case: "phoneNumber", value } } }, context);
  const rejected = await register("+19005550123");
  assert.ok(isCallError(rejected) && rejected.reason === "DESTINATION_NOT_ALLOWED");
  for (const zero of ["+4409098790000", "+490900123456"])
    assert.deepEqual(reasons(await sendAs(appOf({ smsPrefixes: ["+44", "+49"] }), to(zero))), [barred], "the 0 is not dialled");
  assert.ok(!isCallError(await register("+4915112345678")));
});

test("an app sends SMS only under the names of senders that it may use", async () => {
  const { sendAs } = setUp({ smsSenders: ["otp"] });
  const from = (sender: string) =>
    sms(sender || "default", { content: contentToProto({ sms: { text: "hello", sender: sender || undefined } }) });
  const names = ["", "otp", "orders"].map(from);
  const [ok, barred] = ["accepted", "SENDER_NOT_ALLOWED"];
  assert.deepEqual(reasons(await sendAs(appOf({}), ...names)), [ok, ok, barred]);
  assert.deepEqual(reasons(await sendAs(appOf({ smsSenders: ["orders", "news"] }, "own"), ...names)), [ok, barred, ok]);
  assert.deepEqual(reasons(await sendAs(appOf({ smsSenders: [] }, "none"), ...names)), [ok, barred, barred]);
  const error = errorOf((await sendAs(appOf({ smsSenders: ["orders", "news"] }, "own"), from("otp")))[0]);
  assert.deepEqual([error?.code, error?.fields?.[0]?.field], ["FAILED_PRECONDITION", "notifications[0].content.sms.sender"]);
  assert.match(error?.message ?? "", /it may use orders, news/);
});

test("an app's mails name only senders that it may use, by address or by domain", async () => {
  const { sendAs } = setUp({ emailFrom: ["news@brand.example"] });
  const to = { to: { $case: "endpoint" as const, value: { address: { $case: "emailAddress" as const, value: "ann@example.org" } } } };
  const from = (address: string) =>
    sms(address || "default", {
      recipient: to,
      content: contentToProto({ email: { subject: "s", html: "", text: "t", ...(address === "" ? {} : { from: { address } }) } }),
    });
  const mails = ["", "NEWS@Brand.example", "ceo@brand.example", "ceo@evilbrand.example", "a@shop.brand.example"].map(from);
  const [ok, barred] = ["accepted", "SENDER_NOT_ALLOWED"];
  assert.deepEqual(reasons(await sendAs(appOf({}), ...mails)), [ok, ok, barred, barred, barred]);
  assert.deepEqual(reasons(await sendAs(appOf({ emailFrom: ["@brand.example"] }, "own"), ...mails)), [ok, ok, ok, barred, barred]);
  assert.deepEqual(reasons(await sendAs(appOf({ emailFrom: [] }, "none"), ...mails)), [ok, barred, barred, barred, barred]);
  const error = errorOf((await sendAs(appOf({ emailFrom: ["@shop.example", "a@b.example"] }, "own2"), from("ceo@brand.example")))[0]);
  assert.deepEqual([error?.code, error?.fields?.[0]?.field], ["FAILED_PRECONDITION", "notifications[0].content.email.from"]);
  assert.match(error?.message ?? "", /it may use @shop\.example, a@b\.example/);
  // Otherwise the answers of a batch would be more than clients take.
  const hundred = Array.from({ length: 100 }, (_, i) => `a${i}@b.example`);
  const short = errorOf((await sendAs(appOf({ emailFrom: hundred }, "own3"), from("ceo@brand.example")))[0]);
  assert.match(short?.fields?.[0]?.message ?? "", /it may use a0@b\.example, .*, a9@b\.example and 90 more, and a mail without from/);
});

test("a registered number that is not allowed any more gets no SMS; the recipient's other endpoints get theirs", async () => {
  const { store, clock } = world;
  const { sendAs } = setUp({ smsPrefixes: ["+49"] });
  const register = (userId: string, phoneNumber: string) => {
    const endpointId = phoneNumber.slice(1).padStart(32, "0");
    return store.contacts.register({
      app: "app",
      userId,
      endpointId,
      endpoint: { channel: "sms", phoneNumber },
      registeredAt: clock.now(),
    });
  };
  await register("ann", "+19005550123");
  await register("bob", "+19005550124");
  await register("bob", "+4915112345678");
  const to = (value: string) => sms(value, { recipient: { to: { $case: "userId", value } } });
  const [ann, bob] = await sendAs(appOf({}), to("ann"), to("bob"));
  assert.deepEqual([errorOf(ann)?.reason, errorOf(ann)?.code], ["DESTINATION_NOT_ALLOWED", "FAILED_PRECONDITION"]);
  assert.ok(bob?.kind === "accepted");
  assert.deepEqual(bob.record.deliveries.map(({ state, reason, endpoint }) => [state, reason?.code, endpoint !== undefined]).toSorted(), [
    ["pending", undefined, true],
    ["suppressed", "no-endpoint", false],
  ]);
});

test("a key that was accepted gets its first answer also after its app lost the class, the channel or the country", async () => {
  const { sendAs } = setUp();
  const [first] = await sendAs(appOf({}), sms("a"));
  assert.ok(first?.kind === "accepted");
  for (const now of [appOf({ classes: ["marketing"] }), { ...appOf({}), channels: ["email" as const] }, appOf({ smsPrefixes: [] })]) {
    const [again] = await sendAs(now, sms("a"));
    assert.ok(again?.kind === "accepted" && again.repeatedKey);
    assert.equal((await sendAs(now, sms("new")))[0]?.kind, "rejected");
  }
});
