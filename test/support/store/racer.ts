// One of several processes that want the same things from one store at once. Started by race.ts: says "ready", waits for its
// orders, races, and answers with what it got.

import { openStore } from "../../../adapters/store/open-store.ts";
import { attemptId } from "../../../core/ports/attempt-store.ts";
import { changing } from "../changing.ts";
import { leaseDue } from "../lease-due.ts";
import { sampleApp, sampleAttempt, sampleChange, T0 } from "./samples.ts";

export type Race =
  | { kind: "lease"; limit: number; until: number }
  | { kind: "claim"; worker: string; deliveryIds: string[] }
  | { kind: "record"; worker: string; deliveryIds: string[] }
  | { kind: "resolve"; worker: string; deliveryIds: string[] }
  | { kind: "attribute"; attemptId: string; refs: string[] }
  | { kind: "change"; worker: string; notificationIds: string[] }
  | { kind: "insert"; records: Parameters<Awaited<ReturnType<typeof openStore>>["notifications"]["insert"]>[0] }
  | { kind: "update"; worker: string; times: number }
  | { kind: "grant"; worker: string; times: number };

/** Small, so that the racers meet often. */
const BATCH = 10;

const store = await openStore(process.argv[2]!);
process.once("message", async (race: Race) => {
  const won = await run(race);
  await store[Symbol.asyncDispose]();
  process.send?.(won, () => process.disconnect());
});
process.send?.("ready");

async function run(race: Race): Promise<string[]> {
  switch (race.kind) {
    case "lease": {
      const leased: string[] = [];
      for (let empty = 0; empty < 5; ) {
        const records = await leaseDue(store.notifications, T0, race.until, race.limit);
        leased.push(...records.map((r) => r.id));
        empty = records.length === 0 ? empty + 1 : 0;
      }
      return leased;
    }
    case "claim":
      return inBatches(race.deliveryIds, async (ids) => {
        const claims = await store.attempts.claim(ids.map((deliveryId) => sampleAttempt({ deliveryId, worker: race.worker })));
        return ids.filter((_, i) => claims[i]);
      });
    case "record":
      return inBatches(race.deliveryIds, async (ids) => {
        const outcome = { kind: "accepted", providerRef: race.worker } as const;
        const results = ids.map((id) => ({ id: attemptId(id, 1), worker: undefined, outcome, answeredAt: T0 }));
        const taken = await store.attempts.record(results);
        return ids.filter((_, i) => taken[i]);
      });
    case "resolve":
      return inBatches(race.deliveryIds, async (ids) => {
        const resolution = { outcome: { kind: "accepted", providerRef: race.worker }, by: "receipt", at: T0 } as const;
        const taken = await store.attempts.resolve(ids.map((id) => ({ id: attemptId(id, 1), resolution })));
        return ids.filter((_, i) => taken[i]);
      });
    case "attribute":
      return inBatches(race.refs, async (refs) => {
        const ours = await Promise.all(refs.map((ref) => store.attempts.attribute("twilio", ref, race.attemptId)));
        return refs.filter((_, i) => ours[i]);
      });
    case "change":
      return inBatches(race.notificationIds, async (ids) => {
        const set = { state: "sent", providerRef: race.worker, nextAt: undefined } as const;
        const applied = await store.notifications.change(ids.map((id) => sampleChange({ id }, 0, set)));
        return ids.filter((_, i) => applied[i]);
      });
    case "insert":
      return inBatches(race.records, async (records) => {
        const results = await store.notifications.insert(records);
        return records.filter((_, i) => results[i]?.kind === "inserted").map((r) => r.id);
      });
    case "update": {
      const versions: string[] = [];
      for (let i = 0; i < race.times; i++) {
        const optOut = { channel: "sms", category: `${race.worker}-${i}` } as const;
        versions.push(String((await store.preferences.update("shop", "user:u1", changing([optOut]), T0 + i)).version));
      }
      return versions;
    }
    case "grant":
      return Promise.all(
        Array.from({ length: race.times }, async (_, i) => {
          const hash = `${race.worker}-${i}`;
          await store.apps.change("shop", (before) => ({ ...sampleApp(), keys: [...(before?.keys ?? []), { id: hash, hash }] }));
          return hash;
        }),
      );
  }
}

async function inBatches<T>(items: readonly T[], work: (batch: T[]) => Promise<string[]>): Promise<string[]> {
  const won: string[] = [];
  for (let i = 0; i < items.length; i += BATCH) won.push(...(await work(items.slice(i, i + BATCH))));
  return won;
}
