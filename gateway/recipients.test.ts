import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { endpointToProto } from "../adapters/wire/convert.ts";
import { contentToProto } from "../core/content/content.ts";
import type { PushContent } from "../core/content/push-content.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { Channel } from "../gen/carillon/v1/channel.ts";
import { Notification } from "../gen/carillon/v1/notification_service.ts";
import { type AcceptWorld, CALLING_APP, createAcceptWorld, smsMessage } from "../test/support/accept-world.ts";
import type { AcceptResult } from "./accept.ts";
import { VOIP_EXPIRY_DEFAULT_MS } from "./route.ts";

const token: Endpoint = { channel: "apns", token: "ab".repeat(32) };
const browser: Endpoint = { channel: "webpush", pushUrl: "https://push.example/a", p256dh: "BA", auth: "AA" };

describe("acceptance, for the recipient's own endpoints", () => {
  let world: AcceptWorld;
  beforeEach(async (t) => {
    world = await createAcceptWorld();
    if ("after" in t) t.after(() => world.store[Symbol.asyncDispose]());
  });
  const register = (endpoint: Endpoint) =>
    world.store.contacts.register({ app: CALLING_APP.id, userId: "ann", endpointId: endpointId(endpoint), endpoint, registeredAt: 1 });
  const push = (key: string, over: Partial<Notification>, given: { body?: string; data?: Record<string, string> }) => ({
    ...smsMessage(key, { recipient: { to: { $case: "userId", value: "ann" } }, ...over }),
    content: contentToProto({ push: { title: "t", body: "b", data: {}, ...given } }),
  });
  const answerOf = (result: AcceptResult | undefined) =>
    result?.kind === "rejected"
      ? result.error.fields?.map(({ field, rule }) => `${field} ${rule}`)
      : result?.record.deliveries.map((d) => d.channel);
  const answer = async (message: Notification) => answerOf((await world.setUp().send(message))[0]);
  // Apple takes 4,096 bytes, a push service 3,993.
  const large = { body: "x".repeat(3_900) };

  it("counts a push for the channels on which the user has one, where the caller named none", async () => {
    await register(token);
    assert.deepEqual(await answer(push("1", {}, large)), ["apns"]);
    assert.deepEqual(await answer(push("2", { channels: [Channel.CHANNEL_WEBPUSH] }, large)), [
      "notifications[0].content.push webpush.bytes",
    ]);
    assert.deepEqual(await answer(push("3", {}, { data: { from: "x" } })), ["apns"], "a key that FCM alone reserves");
    await register(browser);
    assert.deepEqual(await answer(push("4", {}, large)), ["notifications[0].content.push webpush.bytes"]);
    assert.deepEqual(await answer(push("5", {}, { body: "x".repeat(3_700) })), ["apns", "webpush"]);
  });

  it("rings on VoIP tokens alone, and shows a push on ordinary ones alone", async () => {
    const voip: Endpoint = { channel: "apns", token: "cd".repeat(32), kind: "voip" };
    const live: Endpoint = { channel: "apns", token: "ce".repeat(32), kind: "live-activity" };
    for (const endpoint of [token, voip, live, browser]) await register(endpoint);
    const sent = async (key: string, given: Partial<PushContent>, over: Partial<Notification> = {}) => {
      const content = contentToProto({ push: { title: "", body: "", data: {}, ...given } });
      const [result] = await world.setUp().send({ ...push(key, over, {}), content });
      assert.ok(result?.kind === "accepted", JSON.stringify(result));
      return result.record;
    };
    const reached = async (...given: Parameters<typeof sent>) => (await sent(...given)).deliveries.map(({ endpoint }) => endpoint);
    assert.deepEqual(await reached("1", { title: "t" }), [token, browser]);
    assert.deepEqual(await reached("2", { voip: true }), [voip]);
    assert.deepEqual(await reached("3", { liveActivity: { event: "update", contentState: {} } }), [live]);
    const start = { event: "start", contentState: {}, attributesType: "A", attributes: {} } as const;
    const [none] = (await sent("4", { liveActivity: start })).deliveries;
    assert.deepEqual([none?.state, none?.reason?.code], ["suppressed", "no-endpoint"]);
    const { sendAt, expiresAt } = await sent("5", { voip: true });
    assert.equal(expiresAt - sendAt, VOIP_EXPIRY_DEFAULT_MS);
    assert.deepEqual(
      await answer({
        ...push("6", { channels: [Channel.CHANNEL_WEBPUSH] }, {}),
        content: contentToProto({ push: { title: "", body: "", data: {}, voip: true } }),
      }),
      ["notifications[0].content.push.voip push.apns"],
    );
  });

  it("gives a Live Activity's content the time of its acceptance, or of its sending, unless it has one; a repeated call is the same", async () => {
    await register({ channel: "apns", token: "ce".repeat(32), kind: "live-activity" });
    const activity = { event: "update", contentState: { eta: 1 } } as const;
    const sendIt = async (key: string, over: Partial<Notification> = {}, timestamp?: number) => {
      const content = contentToProto({ push: { title: "", body: "", data: {}, liveActivity: { ...activity, timestamp } } });
      const [result] = await world.setUp().send({ ...push(key, over, {}), content });
      assert.ok(result?.kind === "accepted", JSON.stringify(result));
      return { repeated: result.repeatedKey, at: result.record.content.push?.liveActivity?.timestamp };
    };
    const now = world.clock.now();
    assert.deepEqual(await sendIt("1"), { repeated: false, at: now });
    world.clock.advance(5_000);
    assert.deepEqual(await sendIt("1"), { repeated: true, at: now });
    assert.deepEqual(await sendIt("2", {}, 1_000), { repeated: false, at: 1_000 });
    assert.deepEqual(await sendIt("3", { sendAt: new Date(now + 60_000) }), { repeated: false, at: now + 60_000 });
  });

  it("gives a repeated key its first answer where the user has other endpoints by then", async () => {
    await register(token);
    assert.deepEqual(await answer(push("1", {}, large)), ["apns"]);
    await register(browser);
    const [again] = await world.setUp().send(push("1", {}, large));
    assert.ok(again?.kind === "accepted" && again.repeatedKey, JSON.stringify(again));
  });

  it("takes another value under a key like __proto__ for another payload", async () => {
    await register(token);
    const over = (value: string) =>
      Notification.decode(Notification.encode(push("1", {}, { data: Object.fromEntries([["__proto__", value]]) })).finish());
    assert.deepEqual(await answer(over("a")), ["apns"]);
    const [stored] = world.published;
    assert.deepEqual(Object.entries(stored?.content.push?.data ?? {}), [["__proto__", "a"]]);
    const [other] = await world.setUp().send(over("b"));
    assert.ok(other?.kind === "rejected" && other.error.code === "ALREADY_EXISTS", JSON.stringify(other));
  });

  it("stores and sends to the ASCII form of an internationalized address, and compares a repeated key with what was given", async () => {
    const mail = (address: string) => ({
      ...smsMessage("1", { recipient: { to: { $case: "endpoint", value: endpointToProto({ channel: "email", address }) } } }),
      content: contentToProto({ email: { subject: "s", html: "", text: "t" } }),
    });
    assert.deepEqual(await answer(mail("Ada@b\u00fccher.example")), ["email"]);
    assert.deepEqual(world.published[0]?.endpoint, { channel: "email", address: "Ada@xn--bcher-kva.example" });
    assert.deepEqual(await answer(mail("Ada@b\u00fccher.example")), ["email"]);
    assert.deepEqual(await answer(mail("ada@b\u00fccher.example\u3002")), [
      "notifications[0].recipient.endpoint.email_address string.email",
    ]);
  });
});
