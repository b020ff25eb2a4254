import assert from "node:assert/strict";
import { createECDH } from "node:crypto";
import { beforeEach, describe, it } from "node:test";
import { endpointId, endpointIds } from "../adapters/ids.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { endpointToProto } from "../adapters/wire/convert.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { Store } from "../core/ports/store.ts";
import { isCallError } from "../runtime/call-error.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import { createContactHandlers } from "./contact-handlers.ts";

const context = { caller: sampleApp(), signal: new AbortController().signal, deadlineAt: 0, traceparent: undefined };
const curve = createECDH("prime256v1");
const p256dh = curve.generateKeys("base64url");
const auth = Buffer.alloc(16, 1).toString("base64url");
const browser = (pushUrl: string): Endpoint => ({ channel: "webpush", pushUrl, p256dh, auth });
const mail = (address: string): Endpoint => ({ channel: "email", address });

describe("RegisterContact", () => {
  let store: Store;
  beforeEach(async (t) => {
    store = await openStore("sqlite::memory:");
    if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
  });
  const handlers = () => createContactHandlers({ contacts: store.contacts, pushHosts: ["push.example"], clock: createFakeClock() });
  const register = (userId: string, endpoint: Endpoint) =>
    handlers().registerContact({ userId, endpoint: endpointToProto(endpoint) }, context);
  const rejection = async (answer: ReturnType<typeof register>) => {
    const error = await answer;
    assert.ok(isCallError(error), JSON.stringify(error));
    return `${error.code} ${error.fields?.map(({ field, rule }) => `${field} ${rule}`)}`;
  };

  it("stores the canonical form, under one id for all spellings", async () => {
    for (const url of ["https://push.example/a#x", "https://PUSH.example:443/%61"])
      assert.deepEqual(await register("ada", browser(url)), { endpointId: endpointId(browser("https://push.example/a")) });
    assert.deepEqual(await register("ada", mail("Ada@b\u00fccher.example")), { endpointId: endpointId(mail("ada@xn--bcher-kva.example")) });
    const stored = await store.contacts.list("shop", ["ada"]);
    assert.deepEqual(
      stored.map((c) => c.endpoint),
      [browser("https://push.example/a"), mail("Ada@xn--bcher-kva.example")],
    );
  });

  it("replaces what was stored under a former spelling, whoever had it", async () => {
    const spelled = browser("https://push.example/a#x");
    const [, formerId = ""] = endpointIds(spelled);
    await store.contacts.register({ app: "shop", userId: "kid", endpointId: formerId, endpoint: spelled, registeredAt: 1 });
    await register("ada", spelled);
    const left = (await store.contacts.list("shop", ["ada", "kid"])).map((c) => `${c.userId} ${c.endpointId}`);
    assert.deepEqual(left, [`ada ${endpointId(spelled)}`]);
  });

  it("replaces of a number's former spelling the user's own, since others may share the phone", async () => {
    const [short, spelled] = (["+447700900123", "+4407700900123"] as const).map(
      (phoneNumber): Endpoint => ({ channel: "sms", phoneNumber }),
    );
    const [, formerId = ""] = endpointIds(spelled!);
    for (const userId of ["ada", "kid"])
      await store.contacts.register({ app: "shop", userId, endpointId: formerId, endpoint: spelled!, registeredAt: 1 });
    await register("ada", spelled!);
    const left = (await store.contacts.list("shop", ["ada", "kid"])).map((c) => [c.userId, c.endpointId, c.endpoint]);
    assert.deepEqual(left.toSorted(), [
      ["ada", endpointId(short!), short],
      ["kid", formerId, spelled],
    ]);
  });

  it("lets a hundred users share a mailbox and no more, each of whom may renew", async () => {
    for (let i = 0; i < 100; i++) assert.ok(!isCallError(await register(`user-${i}`, mail("team@example.com"))));
    assert.equal(await rejection(register("one-more", mail("TEAM@example.com"))), "FAILED_PRECONDITION endpoint users.max");
    assert.ok(!isCallError(await register("user-0", mail("team@example.com"))));
  });

  it("lets a user have a hundred endpoints and no more, also by calls at the same time", async () => {
    for (let i = 0; i < 95; i++) await register("ada", mail(`ada-${i}@example.com`));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => register("ada", mail(`more-${i}@example.com`))));
    const count = (await store.contacts.list("shop", ["ada"])).length;
    assert.ok(count <= 100, `${count} endpoints`);
    assert.equal(answers.filter((answer) => !isCallError(answer)).length, count - 95);
    for (let i = count; i < 100; i++) assert.ok(!isCallError(await register("ada", mail(`later-${i}@example.com`))));
    assert.equal(await rejection(register("ada", mail("last@example.com"))), "FAILED_PRECONDITION user_id endpoints.max");
    assert.ok(!isCallError(await register("ada", mail("ada-0@example.com"))), "one she has is renewed");
  });

  it("lets a hundred users share a mailbox and no more, also by calls at the same time", async () => {
    for (let i = 0; i < 95; i++) await register(`user-${i}`, mail("team@example.com"));
    await Promise.all(Array.from({ length: 20 }, (_, i) => register(`more-${i}`, mail("team@example.com"))));
    const id = endpointId(mail("team@example.com"));
    assert.ok((await store.contacts.find([{ app: "shop", endpointId: id }])).length <= 100);
  });

  it("rejects what can never be sent to, with field and rule", async () => {
    const bad = Buffer.from(p256dh, "base64url");
    bad[64]! ^= 1;
    const offCurve = { ...browser("https://push.example/a"), p256dh: bad.toString("base64url") } as Endpoint;
    assert.equal(await rejection(register("ada", offCurve)), "INVALID_ARGUMENT endpoint.web_push_subscription.p256dh p256dh.point");
    const shortAuth = { ...browser("https://push.example/a"), auth: "AAAA" } as Endpoint;
    assert.equal(await rejection(register("ada", shortAuth)), "INVALID_ARGUMENT endpoint.web_push_subscription.auth bytes.len");
    assert.equal(await rejection(register("ada", mail("ada@example.com."))), "INVALID_ARGUMENT endpoint.email_address string.email");
  });
});
