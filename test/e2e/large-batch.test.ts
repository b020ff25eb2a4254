// More tasks at once than the gateway may have in flight to the stream.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fresh } from "../support/fresh.ts";
import { startSystem } from "../support/system.ts";
import { mail, notification, register, sendBatch, settled, toUser, wentOut } from "./calls.ts";

/** Two thousand tasks, which is twice as many. */
const MAILBOXES = 2;

test("a batch of a thousand to someone with two mailboxes goes out without waiting for the watchdog", async () => {
  await using system = await startSystem();
  const user = fresh("everybody");
  for (let i = 0; i < MAILBOXES; i++) await register(system, user, mail(`${user}-${i}@example.com`));
  const items = Array.from({ length: 1_000 }, () => notification({ recipient: toUser(user) }));
  const results = await sendBatch(system, items);
  const ids = results.map((r) => (r?.$case === "accepted" ? r.value.notificationId : ""));
  const deliveries = (await settled(system, ids, { waitMs: 200_000 })).flatMap((n) => n.deliveries);
  assert.equal(deliveries.length, MAILBOXES * items.length);
  assert.ok(deliveries.every(wentOut));
  assert.equal(system.sandbox.ledger.acceptances().size, deliveries.length);
  assert.deepEqual(new Set(system.sandbox.ledger.acceptances().values()), new Set([1]));
  // The watchdog would have raised the publish count.
  assert.deepEqual(
    deliveries.filter((d) => d.publishCount > 1),
    [],
  );
});
