// Each service's handlers, called as an HTTP server would call them: without gRPC. The test fails if any of our modules loads a gRPC package,
// other than the generated code, which defines the messages and the gRPC clients in the same files.

import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { after, test } from "node:test";
import { contentToProto } from "../core/content/content.ts";
import { CancelNotificationsRequest, ListNotificationsRequest, type Notification } from "../gen/carillon/v1/notification_service.ts";
import type { OptOut } from "../gen/carillon/v1/preference_service.ts";
import type { CallContext } from "../runtime/handler.ts";
import { ignoreEvents } from "./support/changes.ts";
import { NO_OPTIONS } from "./support/no-options.ts";
import { noQuotas } from "./support/no-quotas.ts";
import { noShares } from "./support/no-shares.ts";
import { checkRequest, updateRequest } from "./support/preference-requests.ts";

registerHooks({
  resolve(specifier, context, next) {
    const isOurs = !/\/(node_modules|gen)\//.test(context.parentURL ?? "");
    if (isOurs && /^(@grpc\/|grpc-)/.test(specifier)) throw new Error(`${context.parentURL} loads ${specifier}`);
    return next(specifier, context);
  },
});

// After the hook, so that it sees what these load.
const { openStore } = await import("../adapters/store/open-store.ts");
const { createKedaHandlers } = await import("../autoscaler/keda-handlers.ts");
const { createRates } = await import("../autoscaler/rates.ts");
const { CHANNELS } = await import("../core/delivery/channel.ts");
const { SCALING_DEFAULTS } = await import("../core/scaling/scaling.ts");
const { createAccept } = await import("../gateway/accept.ts");
const { createApiKeys } = await import("../gateway/api-keys.ts");
const { createAuthenticate } = await import("../gateway/auth.ts");
const { createBlobHandlers } = await import("../gateway/blob-handlers.ts");
const { createContactHandlers } = await import("../gateway/contact-handlers.ts");
const { createGatewayMetrics } = await import("../gateway/metrics.ts");
const { createNotificationHandlers } = await import("../gateway/notification-handlers.ts");
const { createPreferenceForwardHandlers } = await import("../gateway/preference-handlers.ts");
const { createApiKey } = await import("../operations/apps/api-key.ts");
const { grantApiKey } = await import("../operations/apps/apps.ts");
const { createPreferenceHandlers } = await import("../preferences/preference-handlers.ts");
const { createPreferences } = await import("../adapters/opt-outs/preferences.ts");
const { isCallError } = await import("../runtime/call-error.ts");
const { createLogger } = await import("../runtime/logger.ts");
const { createMetrics } = await import("../runtime/metrics.ts");
const { createFakeClock } = await import("./support/fake-clock.ts");

const log = createLogger("test", "silent");
const clock = createFakeClock();
const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const store = stack.use(await openStore("sqlite::memory:"));

const app = { id: "shop", channels: [...CHANNELS], limits: {}, keys: [], version: 1 };
const contextOf = <Caller>(caller: Caller): CallContext<Caller> => ({
  ...{ caller, signal: new AbortController().signal, deadlineAt: Date.now() + 5_000 },
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
});
function answered<T>(answer: T): Exclude<T, { kind: "call-error" }> {
  assert.ok(!isCallError(answer), JSON.stringify(answer));
  return answer as Exclude<T, { kind: "call-error" }>;
}

/** The table, and the names of its handlers that were not called. */
function counted<Table extends object>(table: Table): { handlers: Table; uncalled(): string[] } {
  const called = new Set<string>();
  const handlers = new Proxy(table, {
    get(target, name, receiver) {
      called.add(String(name));
      return Reflect.get(target, name, receiver);
    },
  });
  return { handlers, uncalled: () => Object.keys(table).filter((name) => !called.has(name)) };
}

const preferences = stack.use(
  createPreferences({ store: store.preferences, apps: store.apps, profiles: store.profiles, redis: undefined, clock, log }),
);
const ada = { subject: { $case: "userId", value: "ada" } } as const;
const news: OptOut = { channel: 0, category: "news" };
const question = checkRequest([{ userId: "ada", channel: 4 }]);

test("notifications are sent, alone and in a batch, and read back", async () => {
  const accepting = createAccept({
    shares: noShares,
    ...{ store, recorder: ignoreEvents, clock, log, pushHosts: [], insertsWaitingMax: 100, watchdogFirstMs: 30_000, failpoint: () => {} },
    ...{
      load: { isFull: () => false, accepted: () => {}, run: async () => {} },
      quotas: noQuotas,
      metrics: createGatewayMetrics(createMetrics("test")),
    },
    optOuts: { check: async (questions) => questions.map(() => "allowed") },
    publisher: { publish: async () => true },
  });
  const { handlers, uncalled } = counted(
    createNotificationHandlers(accepting, { store, recorder: ignoreEvents, clock, log, tokens: () => ["internal-token-1"] }),
  );
  const context = contextOf(app);
  const notification = (idempotencyKey: string, category = "orders"): Notification => ({
    ...NO_OPTIONS,
    ...{ idempotencyKey, category, notificationClass: 2 },
    recipient: { to: { $case: "endpoint", value: { address: { $case: "phoneNumber", value: "+4915112345678" } } } } as const,
    content: contentToProto({ sms: { text: "hello" } }),
  });
  const { accepted } = answered(await handlers.sendNotification({ notification: notification("a"), validateOnly: false }, context));
  assert.equal(accepted?.deliveries.length, 1);
  assert.equal((await store.notifications.find(accepted.notificationId))?.traceparent, context.traceparent);
  const { results } = answered(
    await handlers.batchSendNotifications({ notifications: [notification("b"), notification("c", "No Category")] }, context),
  );
  assert.deepEqual(
    results.map(({ result }) => (result?.$case === "error" ? [result.value.code, result.value.fields[0]?.field] : result?.$case)),
    ["accepted", [3, "notifications[1].category"]],
  );
  const previewed = answered(await handlers.previewNotification({ notification: notification("d") }, context));
  assert.deepEqual(
    previewed.requests.map(({ provider }) => provider),
    ["twilio", "vonage"],
  );
  const read = answered(await handlers.getNotification({ notificationId: accepted.notificationId }, context));
  assert.equal(read.idempotencyKey, "a");
  const other = await handlers.getNotification({ notificationId: accepted.notificationId }, contextOf({ ...app, id: "other" }));
  assert.ok(isCallError(other));
  assert.equal(other.code, "NOT_FOUND");
  const listed = answered(await handlers.listNotifications(ListNotificationsRequest.decode(new Uint8Array()), context));
  assert.deepEqual(listed.notifications.map(({ idempotencyKey }) => idempotencyKey).sort(), ["a", "b"]);
  const cancelling = { ...CancelNotificationsRequest.decode(new Uint8Array()), idempotencyKey: "a" };
  assert.deepEqual(answered(await handlers.cancelNotifications(cancelling, context)).deliveries.length, 1);
  await accepting.published();
  assert.deepEqual(uncalled(), []);
});

test("a blob is put and found", async () => {
  const { handlers, uncalled } = counted(createBlobHandlers({ blobs: store.blobs, clock, log }));
  async function* messages() {
    yield { part: { $case: "header", value: { size: 3, sha256: "" } } } as const;
    yield { part: { $case: "chunk", value: Buffer.from("abc") } } as const;
  }
  const { blobId } = answered(await handlers.putBlob(messages(), contextOf(app)));
  assert.equal(answered(await handlers.statBlob({ blobId }, contextOf(app))).bytes, 3);
  assert.deepEqual(uncalled(), []);
});

test("contacts are registered, listed and removed", async () => {
  const { handlers, uncalled } = counted(createContactHandlers({ contacts: store.contacts, pushHosts: [], clock }));
  const context = contextOf(app);
  const endpoint = { address: { $case: "emailAddress", value: "ada@example.com" } } as const;
  const { endpointId } = answered(await handlers.registerContact({ userId: "ada", endpoint }, context));
  const listed = answered(await handlers.listContacts({ userId: "ada" }, context));
  assert.deepEqual(
    listed.contacts.map((c) => c.endpointId),
    [endpointId],
  );
  assert.deepEqual(answered(await handlers.removeContact({ userId: "ada", endpointId }, context)), { removed: true });
  assert.deepEqual(uncalled(), []);
});

test("preferences are updated, read and checked, also through the gateway's own handlers", async () => {
  const link = { url: "https://hooks.example.com/p/x", expiresAt: clock.now() };
  const { handlers, uncalled } = counted(
    createPreferenceHandlers(preferences, ({ channel }) => (channel === undefined ? link : undefined)),
  );
  const direct = contextOf({ app: "shop" });
  answered(await handlers.updatePreferences(updateRequest({ subject: ada, optOut: [news] }), direct));
  assert.deepEqual(answered(await handlers.getPreferences({ subject: ada }, direct)).optOuts, [news]);
  assert.equal(answered(await handlers.checkPreferences(question, direct)).answers[0]?.optedOut, true);
  const changes = { subject: ada, pageSize: 0, beforeVersion: 0 };
  assert.equal(answered(await handlers.listPreferenceChanges(changes, direct)).changes.length, 1);
  const phone = { address: { $case: "phoneNumber", value: "+4915112345678" } } as const;
  const lift = { endpoint: phone, kind: 0, origin: { actor: "", source: "", evidence: "verified" } } as const;
  assert.deepEqual(answered(await handlers.liftBlock(lift, direct)).lifted, []);
  assert.equal(answered(await handlers.createPreferencesLink({ subject: ada }, direct)).url, link.url);
  assert.deepEqual(uncalled(), []);

  // One table serves as the other's client: both are plain functions.
  const forward = counted(
    createPreferenceForwardHandlers(
      {
        getPreferences: (id, request) => handlers.getPreferences(request, contextOf({ app: id })),
        updatePreferences: (id, request) => handlers.updatePreferences(request, contextOf({ app: id })),
        listPreferenceChanges: (id, request) => handlers.listPreferenceChanges(request, contextOf({ app: id })),
        liftBlock: (id, request) => handlers.liftBlock(request, contextOf({ app: id })),
        createPreferencesLink: (id, request) => handlers.createPreferencesLink(request, contextOf({ app: id })),
        checkPreferences: (id, request) => handlers.checkPreferences(request, contextOf({ app: id })),
      },
      clock,
    ),
  );
  const context = contextOf(app);
  answered(await forward.handlers.updatePreferences(updateRequest({ subject: ada, optIn: [news] }), context));
  assert.deepEqual(answered(await forward.handlers.getPreferences({ subject: ada }, context)).optOuts, []);
  assert.equal(answered(await forward.handlers.checkPreferences(question, context)).answers[0]?.optedOut, false);
  assert.equal(answered(await forward.handlers.listPreferenceChanges(changes, context)).changes.length, 2);
  assert.deepEqual(answered(await forward.handlers.liftBlock(lift, context)).lifted, []);
  assert.equal(answered(await forward.handlers.createPreferencesLink({ subject: ada }, context)).url, link.url);
  const off = await forward.handlers.createPreferencesLink({ subject: { subject: { $case: "endpoint", value: phone } } }, context);
  assert.ok(isCallError(off));
  assert.equal(off.reason, "LINKS_OFF");
  const invalid = await forward.handlers.getPreferences({ subject: undefined }, context);
  assert.ok(isCallError(invalid));
  assert.equal(invalid.code, "INVALID_ARGUMENT");
  assert.deepEqual(forward.uncalled(), []);
});

test("KEDA's questions are answered, and its stream ends with its signal", async () => {
  const rates = createRates(CHANNELS, SCALING_DEFAULTS, clock);
  const { handlers, uncalled } = counted(createKedaHandlers({ rates, scalings: SCALING_DEFAULTS, signal: new AbortController().signal }));
  const object = { name: "sms", namespace: "prod", scalerMetadata: { channel: "sms" } };
  const queue = {
    ...{ created: "one", lastSequence: 0, messages: 90, bytes: 0, bytesMax: 0, waiting: 90, handedOut: 0, ackPendingRatio: 0 },
    ...{ oldestMs: 0, oldestWaitingMs: undefined },
  };
  const unknown = await handlers.isActive(object, contextOf(undefined));
  assert.ok(isCallError(unknown));
  assert.equal(unknown.code, "UNAVAILABLE");
  for (let s = 0; s < 20; s += 2) {
    clock.advance(2_000);
    rates.addReading("sms", { kind: "read", state: queue });
  }
  assert.deepEqual(answered(await handlers.isActive(object, contextOf(undefined))), { result: true });
  assert.equal(answered(await handlers.getMetricSpec(object, contextOf(undefined))).metricSpecs.length, 1);
  const metrics = answered(await handlers.getMetrics({ scaledObjectRef: object, metricName: "" }, contextOf(undefined)));
  assert.equal(metrics.metricValues.length, 1);
  const leaving = new AbortController();
  const sent: boolean[] = [];
  for await (const { result } of answered(handlers.streamIsActive(object, { ...contextOf(undefined), signal: leaving.signal }))) {
    sent.push(result);
    leaving.abort();
  }
  assert.deepEqual(sent, [true]);
  assert.deepEqual(uncalled(), []);
});

test("an API key is read from any transport's headers", async () => {
  const { key, keyId, app: stored } = await grantApiKey(store.apps, { id: app.id });
  const authenticate = createAuthenticate(createApiKeys({ apps: store.apps, cacheMs: 1_000, clock, log }));
  assert.deepEqual(await authenticate((name) => (name === "authorization" ? `Bearer ${key}` : undefined)), { ...stored, keyId });
  const unknown = await authenticate(() => `Bearer ${createApiKey().key}`);
  assert.ok(isCallError(unknown));
  assert.equal(unknown.code, "UNAUTHENTICATED");
});
