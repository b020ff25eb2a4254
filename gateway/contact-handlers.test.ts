import assert from "node:assert/strict";
import { createECDH } from "node:crypto";
import { beforeEach, describe, it } from "node:test";
import { endpointId, endpointIds } from "../adapters/ids.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { endpointToProto } from "../adapters/wire/convert.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { Store } from "../core/ports/store.ts";
import { ApnsEnvironment, Channel } from "../gen/carillon/v1/channel.ts";
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
  const idOf = (answer: Awaited<ReturnType<typeof register>>) => !isCallError(answer) && answer.endpointId;
  const rejection = async (answer: ReturnType<typeof register>) => {
    const error = await answer;
    assert.ok(isCallError(error), JSON.stringify(error));
    return `${error.code} ${error.fields?.map(({ field, rule }) => `${field} ${rule}`)}`;
  };

  it("stores the canonical form, under one id for all spellings", async () => {
    for (const url of ["https://push.example/a#x", "https://PUSH.example:443/%61"])
      assert.equal(idOf(await register("ada", browser(url))), endpointId(browser("https://push.example/a")));
    assert.equal(idOf(await register("ada", mail("Ada@b\u00fccher.example"))), endpointId(mail("ada@xn--bcher-kva.example")));
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

  it("keeps what a token is for; a token is one endpoint whatever that is", async () => {
    const voip = { channel: "apns", token: "cd".repeat(32), kind: "voip" } as const;
    const installation = { channel: "fcm", token: "cAb-_9012345678901234x", kind: "installation" } as const;
    for (const endpoint of [voip, installation])
      await handlers().registerContact({ userId: "ada", endpoint: endpointToProto(endpoint) }, context);
    const kinds = async () => {
      const listed = await handlers().listContacts({ userId: "ada" }, context);
      return "contacts" in listed ? listed.contacts.map((contact) => contact.endpointKind).sort() : listed;
    };
    assert.deepEqual(await kinds(), ["apns_voip_token", "fcm_installation_id"]);
    await handlers().registerContact({ userId: "ada", endpoint: endpointToProto({ channel: "apns", token: voip.token }) }, context);
    assert.deepEqual(await kinds(), ["apns_token", "fcm_installation_id"]);
  });
  it("answers what it replaced, and lists the device as it was registered last", async () => {
    const endpoint = { channel: "apns", token: "ab".repeat(32), application: "com.example.shop", environment: "development" } as const;
    const seenAt = new Date(1_700_000_000_000);
    const of = { userId: "ada", locale: "pt-BR", deviceLabel: "Ada's iPad", lastSeenAt: seenAt };
    const answers = [
      await handlers().registerContact({ ...of, endpoint: endpointToProto(endpoint) }, context),
      await handlers().registerContact({ userId: "kid", endpoint: endpointToProto({ channel: "apns", token: endpoint.token }) }, context),
    ];
    const id = endpointId(endpoint);
    const now = new Date(createFakeClock().now());
    const shared = {
      endpointId: id,
      channel: Channel.CHANNEL_APNS,
      endpointMasked: "\u2026abab",
      registeredAt: now,
      endpointKind: "apns_token",
    };
    const { APNS_ENVIRONMENT_DEVELOPMENT } = ApnsEnvironment;
    const as = {
      application: "com.example.shop",
      apnsEnvironment: APNS_ENVIRONMENT_DEVELOPMENT,
      locale: "pt-BR",
      deviceLabel: "Ada's iPad",
    };
    assert.deepEqual(answers, [
      { endpointId: id, replaced: undefined },
      { endpointId: id, replaced: { userId: "ada", contact: { ...shared, ...as, lastSeenAt: seenAt } } },
    ]);
    const listed = await handlers().listContacts({ userId: "kid" }, context);
    assert.deepEqual(listed, { contacts: [{ ...shared, locale: undefined, deviceLabel: undefined, lastSeenAt: now }] });
  });

  it("rejects an application or environment of anything but an APNs token, and a device seen in the future", async () => {
    const apns = endpointToProto({ channel: "apns", token: "ab".repeat(32) });
    const others = { ...endpointToProto(mail("a@example.com")), apnsEnvironment: ApnsEnvironment.APNS_ENVIRONMENT_DEVELOPMENT };
    const inAnHour = new Date(createFakeClock().now() + 3_600_000);
    const of = (over: object) => handlers().registerContact({ userId: "ada", endpoint: apns, ...over }, context);
    assert.equal(await rejection(of({ endpoint: others })), "INVALID_ARGUMENT endpoint endpoint.apns");
    assert.equal(
      await rejection(of({ endpoint: { ...apns, application: "no bundle id" } })),
      "INVALID_ARGUMENT endpoint.application string.pattern",
    );
    assert.equal(
      await rejection(of({ endpoint: { ...apns, apnsEnvironment: 7 } })),
      "INVALID_ARGUMENT endpoint.apns_environment enum.defined_only",
    );
    assert.equal(await rejection(of({ lastSeenAt: inAnHour })), "INVALID_ARGUMENT last_seen_at time.past");
    assert.equal(await rejection(of({ locale: "Deutsch, bitte" })), "INVALID_ARGUMENT locale string.pattern");
    assert.equal(await rejection(of({ deviceLabel: "" })), "INVALID_ARGUMENT device_label string.min_len");
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
