import assert from "node:assert/strict";
import { test } from "node:test";
import { APNS_PAYLOAD_BYTES_MAX } from "../../core/content/limits.ts";
import { pushPayloadBytes } from "../../core/content/push.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { uuidOf } from "../../runtime/hash.ts";
import { hostileData, pushOfBytes, samplePush } from "../../test/support/delivery-samples.ts";
import { startLateLine } from "../../test/support/late-line.ts";
import { withProvider } from "../../test/support/with-provider.ts";
import { apnsVariables } from "./config.ts";
import { createApnsProvider } from "./provider.ts";

const wire = withProvider((env) => createApnsProvider(readConfig(apnsVariables, env), { clock: systemClock }));
const { send, arrived } = wire;
const soon = () => AbortSignal.timeout(15_000);
const endpoint = (end = "aa") => ({ channel: "apns" as const, token: `${"5a".repeat(20)}${end}` });

test("sends a push's properties to APNs as headers", async () => {
  const push = samplePush(endpoint(), { priority: "normal", collapseKey: "order-7", expiresAt: 1_900_000_000_500 });
  const outcome = await send(push);
  const [entry] = arrived(push);
  const { headers = {}, payload } = entry ?? {};
  assert.deepEqual(outcome, { kind: "accepted", providerRef: uuidOf(push.attemptId) });
  assert.equal(headers["apns-id"], uuidOf(push.attemptId));
  assert.equal(headers["apns-topic"], wire.sandbox.env.APNS_TOPIC);
  assert.equal(headers["apns-push-type"], "alert");
  assert.equal(headers["apns-priority"], "5");
  assert.equal(headers["apns-expiration"], "1900000000");
  assert.equal(headers["apns-collapse-id"], "shop/order-7");
  assert.deepEqual(payload, {
    aps: { alert: { title: "Dinner", body: "is ready 🍲" }, sound: "default" },
    data: { table: "7" },
    carillon: { delivery: push.deliveryId, attempt: push.attemptId },
  });
});

test("an override's topic is the account's or has a suffix, and APNs' answer to it concerns nobody else", async () => {
  const topic = wire.sandbox.env.APNS_TOPIC;
  const overridden = (apnsHeaders: Record<string, string>, end?: string) =>
    samplePush(endpoint(end), { content: { push: { title: "t", body: "b", data: {}, overrides: { apnsHeaders } } } });
  const notAllowed = { kind: "rejected", reason: "topic-not-allowed", notCalled: true };
  assert.deepEqual(await send(overridden({ "apns-topic": "com.example.other" })), notAllowed);
  assert.deepEqual(await send(overridden({ "apns-topic": `${topic}.voip` })), notAllowed);
  assert.deepEqual(await send(overridden({ "apns-topic": `${topic}.voip-ptt` })), { kind: "rejected", reason: "TopicDisallowed" });
  assert.equal((await send(overridden({ "apns-topic": `${topic}.voip-ptt`, "apns-push-type": "pushtotalk" }))).kind, "accepted");
  // Without an override this token would be gone, because another push was accepted.
  const other = overridden({ "apns-topic": `${topic}.voip-ptt`, "apns-push-type": "pushtotalk" }, "bad1");
  assert.deepEqual(await send(other), { kind: "rejected", reason: "DeviceTokenNotForTopic" });
});

test("data stand beside aps where the account says so, and no key of theirs replaces one that is there", async () => {
  const env = { ...wire.sandbox.env, APNS_DATA_AT_ROOT: "true" };
  await using provider = createApnsProvider(readConfig(apnsVariables, env), { clock: systemClock });
  const content = { title: "t", body: "b", data: { table: "7" }, dataJson: { data: [1] }, imageUrl: "https://img.example/a.png" };
  const push = samplePush(endpoint(), { content: { push: content } });
  assert.equal((await provider.send(push, soon())).kind, "accepted");
  assert.deepEqual(arrived(push)[0]!.payload, {
    ...{ table: "7", data: [1], image: "https://img.example/a.png" },
    aps: { alert: { title: "t", body: "b" }, sound: "default", "mutable-content": 1 },
    carillon: { delivery: push.deliveryId, attempt: push.attemptId },
  });
  for (const key of ["aps", "carillon", "image", "url", "actions"]) {
    const taken = samplePush(endpoint(), { content: { push: { ...content, dataJson: { [key]: {} } } } });
    assert.deepEqual(await provider.send(taken, soon()), { kind: "rejected", reason: "data-key-taken", notCalled: true });
  }
});

test("a push goes to its endpoint's application and environment, each of which is shown to be right by its own successes", async () => {
  const env = { ...wire.sandbox.env, ...wire.sandbox.accountEnv("apns", "acme") };
  await using provider = createApnsProvider(readConfig(apnsVariables, env), { clock: systemClock });
  const [first, second] = env.APNS_TOPIC!.split(",") as [string, string];
  const development = { ...endpoint("d0d0"), environment: "development" } as const;
  const pushes = [endpoint(), { ...endpoint(), application: second }, development, { ...development, application: second }];
  const sent = pushes.map((to) => samplePush(to));
  for (const push of sent) assert.equal((await provider.send(push, soon())).kind, "accepted");
  const arrivals = sent.map((push) => arrived(push)[0]!);
  assert.deepEqual(
    arrivals.map(({ account, headers }) => [account, headers["apns-topic"]]),
    [
      [`${env.APNS_TEAM_ID} production`, first],
      [`${env.APNS_TEAM_ID} production`, second],
      [`${env.APNS_TEAM_ID} development`, first],
      [`${env.APNS_TEAM_ID} development`, second],
    ],
  );
  await using fresh = createApnsProvider(readConfig(apnsVariables, env), { clock: systemClock });
  assert.equal((await fresh.send(samplePush(endpoint()), soon())).kind, "accepted");
  const foreign = await fresh.send(samplePush({ ...endpoint(), environment: "development" }), soon());
  assert.deepEqual(foreign, { kind: "rejected", reason: "BadDeviceToken" });
});

test("a push to an application that the account does not have is rejected without a call", async () => {
  const push = samplePush({ ...endpoint(), application: "com.example.unknown" });
  assert.deepEqual(await send(push), { kind: "rejected", reason: "unknown-application", notCalled: true });
  assert.deepEqual(arrived(push), []);
});

test("a push goes to a token of its own kind, under that kind's topic, and to no other", async () => {
  const topic = wire.sandbox.env.APNS_TOPIC;
  const liveActivity = { event: "update", contentState: { eta: 1 }, timestamp: 1_790_000_000_000 } as const;
  const start = { ...liveActivity, event: "start", attributesType: "A", attributes: {} } as const;
  const silent = { title: "", body: "", data: {} };
  for (const [kind, end, suffix, content] of [
    ["voip", "c0c2", ".voip", { ...silent, voip: true, data: { x: "x".repeat(4_900) } }],
    ["live-activity", "c0c3", ".push-type.liveactivity", { ...silent, liveActivity }],
    ["live-activity-start", "c0c4", ".push-type.liveactivity", { ...silent, liveActivity: start }],
  ] as const) {
    const push = samplePush({ ...endpoint(end), kind }, { content: { push: content } });
    assert.equal((await send(push)).kind, "accepted", kind);
    assert.equal(arrived(push)[0]?.headers["apns-topic"], `${topic}${suffix}`);
    const ordinary = samplePush({ ...endpoint(end), kind });
    assert.deepEqual(await send(ordinary), { kind: "rejected", reason: "endpoint-kind", notCalled: true });
    const elsewhere = samplePush(endpoint(), { content: { push: content } });
    assert.deepEqual(await send(elsewhere), { kind: "rejected", reason: "endpoint-kind", notCalled: true });
    assert.deepEqual([...arrived(ordinary), ...arrived(elsewhere)], []);
  }
});

test("two attempts of a delivery have different ids", async () => {
  const first = samplePush(endpoint());
  const second = { ...first, attemptId: `${first.deliveryId}/2` };
  const refs = [await send(first), await send(second)].map((o) => o.kind === "accepted" && o.providerRef);
  assert.equal(new Set(refs).size, 2);
});

test("a push of the largest size APNs accepts arrives, and one byte more is not sent", async () => {
  const bytes = (push: ReturnType<typeof samplePush>) =>
    pushPayloadBytes("apns", push.content.push!, { delivery: push.deliveryId, attempt: push.attemptId });
  const full = pushOfBytes(samplePush(endpoint()), APNS_PAYLOAD_BYTES_MAX, bytes);
  assert.equal((await send(full)).kind, "accepted");
  const over = pushOfBytes(samplePush(endpoint()), APNS_PAYLOAD_BYTES_MAX + 1, bytes);
  assert.deepEqual(await send(over), { kind: "rejected", reason: "payload-too-large", notCalled: true });
  assert.deepEqual(arrived(over), []);
});

test("a bad device token counts as gone only after another push was accepted", async () => {
  const bad = () => samplePush(endpoint("bad0"));
  assert.deepEqual(await send(bad()), { kind: "rejected", reason: "BadDeviceToken" });
  assert.equal((await send(samplePush(endpoint()))).kind, "accepted");
  assert.deepEqual(await send(bad()), { kind: "endpoint-gone", reason: "BadDeviceToken", goneAt: undefined });
  // An app with the wrong account must not lose its devices because the account serves another app well.
  assert.deepEqual(await send({ ...bad(), app: "another-app" }), { kind: "rejected", reason: "BadDeviceToken" });
});

test("an unregistered device is gone since the time Apple names", async () => {
  const outcome = await send(samplePush(endpoint("dead")));
  assert.ok(outcome.kind === "endpoint-gone" && outcome.goneAt !== undefined && Math.abs(outcome.goneAt - Date.now()) < 60_000);
});

test("pushes on a connection that is closed by GOAWAY after them are unanswered; later ones use another connection", async () => {
  const push = samplePush(endpoint());
  wire.sandbox.faults.order({ provider: "apns", match: push.deliveryId, do: { kind: "goaway" } });
  const outcome = await send(push);
  assert.equal(outcome.kind, "unanswered", JSON.stringify(outcome));
  assert.equal(arrived(push).length, 1);
  assert.equal((await send(samplePush(endpoint()))).kind, "accepted");
});

test("a push whose stream the server rejects twice is unavailable: the connection repeats it once, as HTTP/2 allows", async () => {
  const push = samplePush(endpoint());
  const REFUSED_STREAM = 7;
  wire.sandbox.faults.order({ provider: "apns", match: push.deliveryId, times: 2, do: { kind: "cut-before", code: REFUSED_STREAM } });
  assert.deepEqual(await send(push), { kind: "unavailable", fault: { code: "refused-stream" } });
  assert.deepEqual(
    arrived(push).filter((entry) => entry.accepted),
    [],
  );
});

test("a push stopped at its deadline does not disturb others on the connection", async () => {
  assert.equal((await send(samplePush(endpoint()))).kind, "accepted");
  const stuck = samplePush(endpoint());
  wire.sandbox.faults.order({ provider: "apns", match: stuck.deliveryId, do: { kind: "no-answer" } });
  const [late, ...neighbours] = await Promise.all([send(stuck, 400), ...Array.from({ length: 20 }, () => send(samplePush(endpoint())))]);
  assert.deepEqual(late, { kind: "unanswered", fault: { code: "deadline" } });
  for (const outcome of neighbours) assert.equal(outcome.kind, "accepted");
});

test("a push whose deadline passed before its connection was ready is not sent once it is", async () => {
  await using line = await startLateLine(wire.sandbox.env.APNS_ORIGIN ?? "");
  const slow = createApnsProvider(readConfig(apnsVariables, { ...wire.sandbox.env, APNS_ORIGIN: line.origin }), { clock: systemClock });
  const [late, next] = [samplePush(endpoint()), samplePush(endpoint())];
  const deadline = new AbortController();
  const stopped = slow.send(late, deadline.signal);
  await line.connected;
  deadline.abort(new DOMException("", "TimeoutError"));
  assert.deepEqual(await stopped, { kind: "unavailable", fault: { code: "deadline" } });
  const sending = slow.send(next, soon());
  line.open();
  assert.equal((await sending).kind, "accepted");
  await slow[Symbol.asyncDispose]();
  assert.deepEqual(arrived(late), []);
});

test("a push stopped in the tick that opened its stream does not stop the ones after it", async () => {
  await using fresh = createApnsProvider(readConfig(apnsVariables, wire.sandbox.env), { clock: systemClock });
  const deadline = new AbortController();
  // The stream is opened right after this question.
  const mayBegin = () => {
    queueMicrotask(() => deadline.abort(new DOMException("", "TimeoutError")));
    return true;
  };
  const stopped = await fresh.send(samplePush(endpoint()), deadline.signal, mayBegin);
  assert.deepEqual(stopped, { kind: "unanswered", fault: { code: "deadline" } });
  assert.equal((await fresh.send(samplePush(endpoint()), soon())).kind, "accepted");
});

test("sends every key of data, whatever JavaScript means by it", async () => {
  const data = hostileData();
  const sent = samplePush(endpoint(), { content: { push: { title: "t", body: "b", data } } });
  assert.equal((await send(sent)).kind, "accepted");
  const [entry] = arrived(sent);
  const written = (entry!.payload as { data: object }).data;
  for (const [key, value] of Object.entries(data)) assert.equal(Object.entries(written).find(([name]) => name === key)?.[1], value, key);
});
