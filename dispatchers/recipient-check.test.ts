import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { toTask } from "../core/delivery/task.ts";
import type { OptOutAnswer, OptOutQuestion } from "../core/ports/opt-outs.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { OPT_OUT_FRESH_MS } from "./opt-out-check.ts";

const world = useDispatchWorld();
const token: Endpoint = { channel: "apns", token: "ab".repeat(32) };
const browser: Endpoint = { channel: "webpush", pushUrl: "https://push.example/a", p256dh: "old", auth: "old" };
const mailbox: Endpoint = { channel: "email", address: "family@example.com" };

let app: string;
const register = (userId: string, endpoint: Endpoint, of = app) =>
  world.store.contacts.register({ app: of, userId, endpointId: endpointId(endpoint), endpoint, registeredAt: world.clock.now() });

/** Stores a notification with one delivery to the endpoint, and gives its task. Without a user: to the address itself. */
async function notify(endpoint: Endpoint, userId?: string): Promise<DeliveryTask> {
  const record = sampleNotification("two", world.clock.now());
  app = record.app;
  const recipient = userId === undefined ? ({ kind: "endpoint", endpoint } as const) : ({ kind: "user", userId } as const);
  const registered = userId === undefined ? {} : { endpointId: endpointId(endpoint) };
  world.notification = {
    ...record,
    recipient,
    deliveries: [{ ...record.deliveries[0]!, channel: endpoint.channel, endpoint, ...registered }],
  };
  await world.store.notifications.insert([world.notification]);
  return toTask(world.notification, world.notification.deliveries[0]!);
}
const end = async () => {
  const { state, reason, attempt } = await world.delivery();
  return { state, reason: reason?.code, attempt };
};
const SUPPRESSED = { state: "suppressed", reason: "no-endpoint", attempt: 1 };
/** How the store fails where it is asked for contacts. */
const storeWithContacts = (find: Store["contacts"]["find"]): Store => ({ ...world.store, contacts: { ...world.store.contacts, find } });

beforeEach(() => {
  app = "app";
});

describe("a registered endpoint is read again before it is called", () => {
  it("and is called while it is the recipient's", async () => {
    const task = await notify(token, "ann");
    await register("ann", token);
    const { dispatch, sent } = world.setUp();
    await dispatch(task, "h");
    assert.equal(sent().length, 1);
  });

  for (const notificationClass of ["critical", "transactional", "marketing"] as const)
    it(`and is not called where it moved to another user: ${notificationClass}`, async () => {
      const task = { ...(await notify(token, "ann")), notificationClass };
      await register("ann", token);
      await register("bob", token);
      const { dispatch, sent } = world.setUp();
      assert.deepEqual(await dispatch(task, "h"), { kind: "ack" });
      assert.deepEqual([sent().length, await end()], [0, SUPPRESSED]);
      await register("ann", token);
      await dispatch(task, "h");
      assert.equal(sent().length, 0, "its number is used up");
    });

  it("and is not called where it was removed, or is another app's", async () => {
    const task = await notify(mailbox, "ann");
    await register("ann", mailbox, "another");
    const { dispatch, sent } = world.setUp();
    await dispatch(task, "h");
    assert.deepEqual([sent().length, await end()], [0, SUPPRESSED]);
  });

  it("and is called where another user shares it", async () => {
    const task = await notify(mailbox, "mum");
    await register("mum", mailbox);
    await register("kid", mailbox);
    const optOuts = ({ userId }: OptOutQuestion) => (userId === "kid" ? "opted-out" : "allowed");
    const { dispatch, sent } = world.setUp({ optOuts });
    await dispatch(task, "h");
    assert.equal(sent().length, 1);
  });

  it("and is called with the keys it has now", async () => {
    const task = await notify(browser, "ann");
    const renewed = { ...browser, p256dh: "new", auth: "new" };
    await register("ann", renewed);
    const { dispatch, sent } = world.setUp();
    await dispatch(task, "h");
    assert.deepEqual(sent()[0]?.endpoint, renewed);
  });

  it("at a retry too", async () => {
    const task = await notify(token, "ann");
    await register("ann", token);
    await register("bob", token);
    const { dispatch, sent } = world.setUp();
    await dispatch({ ...task, attempt: 2, runStart: 2 }, "h");
    assert.equal(sent().length, 0);
  });

  it("again after a slow claim", async () => {
    const task = await notify(token, "ann");
    await register("ann", token);
    const slow = world.storeWithSlowClaims(OPT_OUT_FRESH_MS + 1);
    const claim: Store["attempts"]["claim"] = async (attempts) => {
      await register("bob", token);
      return slow.attempts.claim(attempts);
    };
    const { dispatch, sent } = world.setUp({ store: { ...slow, attempts: { ...slow.attempts, claim } } });
    await dispatch(task, "h");
    assert.deepEqual([sent().length, await end()], [0, SUPPRESSED]);
  });

  it("and waits where the store cannot be read, critical too", async () => {
    const task = await notify(token, "ann");
    await register("ann", token);
    const failing = storeWithContacts(() => Promise.reject(new StoreError("made up")));
    const { dispatch, sent } = world.setUp({ store: failing });
    for (const notificationClass of ["critical", "marketing"] as const)
      assert.equal((await dispatch({ ...task, notificationClass }, "h")).kind, "nak");
    assert.equal(sent().length, 0);
    assert.equal((await end()).state, "pending");
  });

  it("and waits where the answer is too old to be used", async () => {
    const task = await notify(token, "ann");
    await register("ann", token);
    const slow = storeWithContacts(async (keys) => {
      const found = await world.store.contacts.find(keys);
      world.clock.advance(2_001);
      return found;
    });
    const { dispatch, sent } = world.setUp({ store: slow });
    assert.equal((await dispatch(task, "h")).kind, "nak");
    assert.equal(sent().length, 0);
  });

  it("and is called without being read where a development build kept no id of it", async () => {
    const task = await notify(token, "ann");
    const { dispatch, sent } = world.setUp({ store: storeWithContacts(() => Promise.reject(new StoreError("made up"))) });
    await dispatch({ ...task, endpointId: undefined }, "h");
    assert.equal(sent().length, 1);
  });

  it("with one read for many tasks of one moment", async () => {
    const task = await notify(token, "ann");
    await register("ann", token);
    const reads: number[] = [];
    const counting = storeWithContacts((keys) => {
      reads.push(keys.length);
      return world.store.contacts.find(keys);
    });
    const { dispatch, sent } = world.setUp({ store: counting });
    await Promise.all(Array.from({ length: 50 }, (_, i) => dispatch({ ...task, deliveryId: `${task.notificationId}-${i}` }, `h${i}`)));
    assert.deepEqual([reads, sent().length], [[50], 50]);
  });
});

describe("an address that was given outright", () => {
  const asks = async (owners: string[], answerOf: (userId: string | undefined) => OptOutAnswer) => {
    const task = await notify(mailbox);
    for (const userId of owners) await register(userId, { channel: "email", address: "FAMILY@example.com" });
    await register("stranger", mailbox, "another");
    const asked: (string | undefined)[] = [];
    const optOuts = ({ userId }: OptOutQuestion) => {
      asked.push(userId);
      return answerOf(userId);
    };
    const { dispatch, sent } = world.setUp({ optOuts });
    const settlement = await dispatch(task, "h");
    return { asked: asked.sort(), sent: sent().length, settlement: settlement.kind };
  };

  it("is sent to where nobody registered it", async () => {
    assert.deepEqual(await asks([], () => "allowed"), { asked: [undefined], sent: 1, settlement: "ack" });
  });

  it("obeys the opt-outs of each user who registered it, however it was spelled", async () => {
    const answer = await asks(["kid", "mum"], (userId) => (userId === "mum" ? "opted-out" : "allowed"));
    assert.deepEqual(answer, { asked: ["kid", "mum"], sent: 0, settlement: "ack" });
    assert.deepEqual(await end(), { state: "suppressed", reason: "opted-out", attempt: 1 });
  });

  it("waits where one user's opt-outs cannot be read", async () => {
    const one = (userId: string | undefined) => (userId === "mum" ? "unknown" : "allowed");
    assert.deepEqual(await asks(["kid", "mum"], one), { asked: ["kid", "mum"], sent: 0, settlement: "nak" });
  });
});
