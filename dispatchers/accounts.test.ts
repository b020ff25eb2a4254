import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../adapters/store/store-error.ts";
import type { AppAccounts } from "../core/apps/accounts.ts";
import { SETUP_ENDPOINTS_MIN } from "../core/delivery/circuit.ts";
import { MISCONFIGURED_WAIT_MS } from "../core/delivery/decide.ts";
import { toTask } from "../core/delivery/task.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import { accepted, useDispatchWorld } from "../test/support/dispatch-world.ts";
import { contactOf, sampleNotification } from "../test/support/notification-samples.ts";
import { type ScriptedProvider, scriptedProvider } from "../test/support/scripted-provider.ts";

const world = useDispatchWorld();
const inAccount = (account: string, provider: ScriptedProvider): ScriptedProvider => ({ ...provider, account });

/** A delivery of the app, accepted and ready for its first attempt. */
async function taskOf(app: string, key: string) {
  const n = sampleNotification(key, world.clock.now(), { app });
  await world.store.notifications.insert([n]);
  await world.store.contacts.register(contactOf(n));
  return toTask(n, n.deliveries[0]!);
}

test("an app is served by its provider's account, otherwise by its channel's, otherwise by the default one", async () => {
  const [own, channels, other] = ["acme-eu", "acme", "default"].map((account) =>
    inAccount(
      account,
      scriptedProvider(account === "acme-eu" ? "twilio" : "vonage", () => ({ kind: "unavailable", fault: { code: "http-503" } })),
    ),
  ) as [ScriptedProvider, ScriptedProvider, ScriptedProvider];
  const accountsOf = async (app: string): Promise<AppAccounts> => (app === "acme" ? { sms: "acme", twilio: "acme-eu" } : {});
  const { dispatch } = world.setUp({ providers: [own, channels, other], accountsOf });
  const task = await taskOf("acme", "a");
  await dispatch(task, "h");
  await dispatch({ ...task, attempt: 2 }, "h");
  await dispatch(await taskOf("shop", "s"), "h");
  assert.deepEqual([own.sent.length, channels.sent.length, other.sent.length], [1, 1, 1]);
  const attempts = await world.store.attempts.find([attemptId(task.deliveryId, 1), attemptId(task.deliveryId, 2)]);
  assert.deepEqual(
    attempts.map(({ provider, account }) => `${provider}/${account}`),
    ["twilio/acme-eu", "vonage/acme"],
  );
});

test("while an app's accounts cannot be read nothing of it is claimed or sent, also what is critical", async () => {
  const accountsOf = async () => {
    throw new StoreError("down");
  };
  const { dispatch, sent } = world.setUp({ accountsOf });
  for (const notificationClass of ["critical", "marketing"] as const)
    assert.equal((await dispatch({ ...world.task(), notificationClass }, "h")).kind, "nak");
  assert.deepEqual(sent(), []);
  assert.deepEqual(await world.store.attempts.find([attemptId(world.task().deliveryId, 1)]), []);
});

test("a change of an app's accounts moves what is tried after it, and not what was tried before", async () => {
  const asked: string[] = [];
  const of = (account: string) => ({
    ...inAccount(
      account,
      scriptedProvider("twilio", () => ({ kind: "unanswered", fault: { code: "deadline" } })),
    ),
    async statusQuery() {
      asked.push(account);
      return { kind: "absent" } as const;
    },
  });
  const [before, after] = [of("before"), of("after")];
  let accounts = { sms: "before" };
  const { dispatch } = world.setUp({ providers: [before, after], accountsOf: async () => accounts });
  await dispatch(world.task(), "h");
  accounts = { sms: "after" };
  await dispatch({ ...world.task(), statusQuery: true }, "h");
  await dispatch({ ...world.task(), attempt: 2 }, "h");
  assert.deepEqual([before.sent.length, after.sent.length, asked], [1, 1, ["before"]]);
});

test("an account with wrong credentials opens its own circuit, and another account of the same provider goes on", async () => {
  const wrong = inAccount(
    "acme",
    scriptedProvider("twilio", () => ({ kind: "misconfigured", reason: "20003" })),
  );
  const right = inAccount(
    "globex",
    scriptedProvider("twilio", () => accepted),
  );
  const { dispatch } = world.setUp({ providers: [wrong, right], accountsOf: async (app) => ({ sms: app }) });
  const numbers = Array.from({ length: SETUP_ENDPOINTS_MIN }, (_, i) => ({ channel: "sms", phoneNumber: `+4930${i}` }) as const);
  for (const [i, endpoint] of numbers.entries())
    assert.deepEqual(await dispatch({ ...(await taskOf("acme", `a${i}`)), endpoint }, "h"), { kind: "ack" });
  const settlement = await dispatch(await taskOf("acme", "waits"), "h");
  assert.ok(settlement.kind === "ack" && settlement.waitsMs! > 0);
  const task = await taskOf("globex", "g1");
  assert.deepEqual(await dispatch(task, "h"), { kind: "ack" });
  assert.deepEqual([wrong.sent.length, right.sent.length], [SETUP_ENDPOINTS_MIN, 1]);
  const [attempt] = await world.store.attempts.find([attemptId(task.deliveryId, 1)]);
  assert.deepEqual([attempt?.provider, attempt?.account, attempt?.outcome?.kind], ["twilio", "globex", "accepted"]);
  assert.match(world.lines.join(), /"provider":"twilio","account":"globex"/);
});

test("fails over among the providers of its account, never to another account", async () => {
  const busy = { kind: "unavailable", fault: { code: "http-503" } } as const;
  const own = scriptedProvider("twilio", () => busy);
  const others = inAccount(
    "acme",
    scriptedProvider("vonage", () => accepted),
  );
  const { dispatch } = world.setUp({ providers: [own, others] });
  await dispatch(world.task(), "h");
  const { state, nextAt } = await world.delivery();
  assert.equal(state, "pending");
  assert.ok(nextAt! > world.clock.now(), "without a second provider in its account it waits");
  assert.equal(others.sent.length, 0);
});

test("a delivery whose account no provider has waits unclaimed, and says why", async () => {
  const { dispatch, sent } = world.setUp({ accountsOf: async () => ({ twilio: "removed" }) });
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack", waitsMs: MISCONFIGURED_WAIT_MS });
  const { state, reason } = await world.delivery();
  assert.deepEqual([state, reason], ["pending", { code: "misconfigured", detail: "no such account" }]);
  assert.deepEqual(sent(), []);
  assert.deepEqual(await world.store.attempts.find([attemptId(world.task().deliveryId, 1)]), []);
});

test("a status query goes to the account that made the attempt", async () => {
  const asked: string[] = [];
  const asking = (account: string): ScriptedProvider => ({
    ...inAccount(
      account,
      scriptedProvider("twilio", () => ({ kind: "unanswered", fault: { code: "deadline" } })),
    ),
    async statusQuery() {
      asked.push(account);
      return { kind: "absent" };
    },
  });
  const { dispatch } = world.setUp({ providers: [asking("acme"), asking("globex")], accountsOf: async () => ({ sms: "globex" }) });
  await dispatch(world.task(), "h");
  await dispatch({ ...world.task(), statusQuery: true }, "h");
  assert.deepEqual(asked, ["globex"]);
});

test("while a provider lacks the app's account, a text that the others cannot send waits for it", async () => {
  const barred = {
    ...inAccount(
      "acme",
      scriptedProvider("vonage", () => accepted),
    ),
    route: () => ({ kind: "barred", reason: "media-not-supported" }) as const,
  };
  const others = scriptedProvider("twilio", () => accepted);
  const { dispatch, sent } = world.setUp({ providers: [others, barred], accountsOf: async () => ({ sms: "acme" }) });
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "ack", waitsMs: MISCONFIGURED_WAIT_MS });
  const { state, reason } = await world.delivery();
  assert.deepEqual([state, reason], ["pending", { code: "misconfigured", detail: "no such account" }]);
  assert.deepEqual(sent(), []);
});
