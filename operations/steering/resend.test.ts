import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { anyChange } from "../../test/support/changes.ts";
import { RelayWorld } from "../../test/support/relay-world.ts";
import { resend } from "./resend.ts";

const world = new RelayWorld();
beforeEach(async (t) => {
  await world.open();
  if ("after" in t) t.after(() => world.store[Symbol.asyncDispose]());
});
const order = { actor: "ada", reason: "never arrived" };
const HASH = "a".repeat(64);
const KEEP = 2_000_000_000_000;

/** An ended notification. */
async function ended(over: Parameters<RelayWorld["accept"]>[0] = {}): Promise<string> {
  const id = await world.accept(over);
  const set = { state: "sent", providerRef: "r", nextAt: undefined, endedAt: world.clock.now() } as const;
  const deliveryId = (await world.delivery(id)).id;
  await world.store.notifications.change([anyChange({ notificationId: id, deliveryId, expect: { attempt: 1, states: ["pending"] }, set })]);
  return id;
}

test("a notification is sent again as a new one, to the same endpoints, and once for the same words", async () => {
  const id = await ended();
  const result = await resend(world.store, { id, ...order });
  assert.ok("notificationId" in result && result.kind === "resent" && result.notificationId !== id);
  const [old, next] = await Promise.all([id, result.notificationId].map((each) => world.store.notifications.find(each)));
  assert.deepEqual([next!.content, next!.recipient, next!.category], [old!.content, old!.recipient, old!.category]);
  assert.deepEqual([next!.deliveries[0]!.state, next!.deliveries[0]!.endpointId], ["pending", old!.deliveries[0]!.endpointId]);
  assert.equal(next!.expiresAt - next!.sendAt, old!.expiresAt - old!.sendAt);
  const again = await resend(world.store, { id, ...order });
  assert.deepEqual(again, { ...result, kind: "exists" });
  const [entry] = await world.store.steering.actions(undefined, 1);
  assert.deepEqual([entry?.action, entry?.target, entry?.result], ["resend", id, `was resent before as ${result.notificationId}`]);
});

test("a large content is kept for it, and one that is gone refuses it", async () => {
  const large = { email: { subject: "s", html: "", text: "t" } } as const;
  await world.store.contents.put([{ app: "app", hash: HASH, content: large, keepUntil: 1 }]);
  const id = await ended({ contentHashes: { email: HASH } });
  assert.equal((await resend(world.store, { id, ...order })).kind, "resent");
  const other = await ended({ id: "b".repeat(32), contentHashes: { email: "c".repeat(64) } });
  assert.deepEqual(await resend(world.store, { id: other, ...order }), { kind: "content-gone" });
  await world.store.deleteContent({ app: "app", notificationClass: "transactional", before: KEEP }, world.clock.now(), 9);
  assert.deepEqual(await resend(world.store, { id, ...order, reason: "once more" }), { kind: "content-gone" });
});

test("what is open, unknown, or was sent to nobody is refused", async () => {
  const open = await world.accept();
  assert.deepEqual(await resend(world.store, { id: open, ...order }), { kind: "open" });
  assert.deepEqual(await resend(world.store, { id: "f".repeat(32), ...order }), { kind: "unknown" });
  const set = { state: "suppressed", nextAt: undefined, endedAt: world.clock.now() } as const;
  await world.store.notifications.change([
    anyChange({ notificationId: open, deliveryId: `${open}-0`, expect: { attempt: 1, states: ["pending"] }, set }),
  ]);
  assert.deepEqual(await resend(world.store, { id: open, ...order }), { kind: "nothing-to-send" });
});
