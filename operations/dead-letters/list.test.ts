import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { OUTCOMES, T0 } from "../../test/support/busy-writer.ts";
import { insertDeadLetter } from "../../test/support/dead-letter-samples.ts";
import { listDeadLetters } from "./list.ts";

const TO = T0 + 60_000;
const rejected = { kind: "rejected", reason: "content" } as const;

test("lists the first dead letters with what is known of them, and counts all by channel and reason", async () => {
  await using store = await openStore("sqlite::memory:");
  const outcomes = [OUTCOMES.unavailable, OUTCOMES.unanswered];
  const first = await insertDeadLetter(store, "first", outcomes, { reason: { code: "outcome-unknown" }, endedAt: T0 + 1 });
  const rest: string[] = [];
  for (let i = 0; i < 4; i++) rest.push(await insertDeadLetter(store, `${i}`, [rejected], { endedAt: T0 + 10 + i }));
  const items = await Array.fromAsync(listDeadLetters(store, { from: 0, to: TO }, 3));
  assert.deepEqual(
    items.flatMap((i) => (i.kind === "letter" ? [[i.letter.deliveryId, i.letter.attempts, i.letter.mayBeSent]] : [])),
    [[first, 2, true], ...rest.slice(0, 2).map((id) => [id, 1, false])],
  );
  assert.deepEqual(items.at(-1), {
    kind: "counted",
    total: 5,
    counts: [
      { channel: "sms", reason: "rejected", count: 4 },
      { channel: "sms", reason: "outcome-unknown", count: 1 },
    ],
  });
});

test("lists only what the filter selects", async () => {
  await using store = await openStore("sqlite::memory:");
  await insertDeadLetter(store, "early", [rejected], { endedAt: T0 + 1 });
  const late = await insertDeadLetter(store, "late", [rejected], { endedAt: T0 + 10 });
  const idsOf = async (filter: Partial<Parameters<typeof listDeadLetters>[1]>) =>
    (await Array.fromAsync(listDeadLetters(store, { from: 0, to: TO, ...filter }, 10))).flatMap((i) =>
      i.kind === "letter" ? [i.letter.deliveryId] : [],
    );
  assert.deepEqual(await idsOf({ from: T0 + 5 }), [late]);
  assert.deepEqual(await idsOf({ channel: "email" }), []);
  assert.deepEqual(await idsOf({ reason: "endpoint-gone" }), []);
  assert.deepEqual(await idsOf({ app: "another" }), []);
  assert.equal((await idsOf({ channel: "sms", reason: "rejected" })).length, 2);
});
