import assert from "node:assert/strict";
import { test } from "node:test";
import { startSystem } from "../support/system.ts";
import { fresh, mail, notification, register, sendBatch, settled, toUser } from "./calls.ts";

test("a batch of a thousand to people with three mailboxes each goes out at once", { timeout: 90_000 }, async () => {
  await using system = await startSystem();
  const user = fresh("everybody");
  for (let i = 0; i < 3; i++) await register(system, user, mail(`${user}-${i}@example.com`));
  const items = Array.from({ length: 1_000 }, () => notification({ recipient: toUser(user) }));
  const results = await sendBatch(system, items);
  const t = Date.now();
  const ids = results.map((r) => (r?.$case === "accepted" ? r.value.notificationId : ""));
  const records = await settled(system, ids, { waitMs: 60_000 });
  console.log("all after", Date.now() - t);
  assert.ok(records.every((n) => n.deliveries.length === 3 && n.deliveries.every((d) => d.state === "sent")));
});
