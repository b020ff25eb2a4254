import assert from "node:assert/strict";
import { test } from "node:test";
import { createAcceptWorld, smsMessage } from "../test/support/accept-world.ts";
import { leaseDue } from "../test/support/lease-due.ts";

test("what is beyond the app's share of the queue is accepted, not published, and due at once for the relay", async () => {
  const { setUp, store, clock, published } = await createAcceptWorld();
  await using _ = store;
  const asked: unknown[] = [];
  let room = 2;
  const shares = {
    take(queue: unknown) {
      asked.push(queue);
      return room-- > 0;
    },
  };
  const { send, accepting } = setUp({ shares });
  const results = await send(...["a", "b", "c", "d"].map((key) => smsMessage(key)));
  await accepting.published();
  assert.ok(results.every(({ kind }) => kind === "accepted"));
  assert.equal(published.length, 2);
  assert.deepEqual(asked[0], { app: "app", channel: "sms", notificationClass: "transactional" });
  const due = await leaseDue(store.notifications, clock.now(), clock.now() + 1, 10);
  const unpublished = results
    .flatMap((result) => (result.kind === "accepted" ? [result.record.id] : []))
    .filter((id) => !published.some(({ notificationId }) => notificationId === id));
  assert.deepEqual(due.map(({ id }) => id).sort(), unpublished.sort());
  assert.deepEqual(
    due.map(({ deliveries }) => deliveries[0]!.publishCount),
    [0, 0],
  );
});

test("what is scheduled takes no room before its time", async () => {
  const { setUp, store, clock } = await createAcceptWorld();
  await using _ = store;
  const { send } = setUp({ shares: { take: () => assert.fail("it is not published now") } });
  const [result] = await send(smsMessage("later", { sendAt: new Date(clock.now() + 60_000) }));
  assert.equal(result?.kind, "accepted");
});
