// Opt-outs whose write to the store was not confirmed, and is stored all the same.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Store } from "../../core/ports/store.ts";
import { type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { changing } from "../../test/support/changing.ts";
import { eventually } from "../../test/support/eventually.ts";
import { APP, ask, BUCKETS, usePreferencesWorld } from "../../test/support/preferences-world.ts";
import { StoreError } from "../store/open-store.ts";
import { createOptOutSets } from "./opt-out-sets.ts";
import type { Preferences } from "./preferences.ts";
import { SWEEP_MS } from "./redis-opt-outs.ts";

const world = usePreferencesWorld();
const { over, start, redisAnswers } = world;
const news: OptOut = { channel: "email", category: "news" };
const ada = userSubject("ada");
let { redis, store, watched, clock } = world;
beforeEach(() => {
  ({ redis, store, watched, clock } = world);
});

const sweepsOver = async (ms: number) => {
  for (const end = clock.now() + ms; clock.now() < end; ) {
    clock.advance(SWEEP_MS);
    await eventually("swept", async () => Number(await redis.get("carillon:opt-out:swept")) === clock.now());
  }
};

test("an opt-out that the store wrote long after the call timed out is honoured", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const slow = {
    ...watched.store,
    update: async (...args: Parameters<typeof store.preferences.update>) => {
      await gate;
      return store.preferences.update(...args);
    },
  };
  await using p = over(slow);
  await redisAnswers(p);
  const updating = p.update(APP, ada, changing([news]));
  await sweepsOver(30_000);
  assert.equal(await updating, undefined);
  open();
  await sweepsOver(SWEEP_MS);
  await eventually("opted-out", async () => (await ask(p)) === "opted-out");
});

/** A store whose next update fails as one does that no majority confirmed in time; `commit` stores it after all, with the time of the call. */
function storingLate() {
  let late: Parameters<Store["preferences"]["update"]> | undefined;
  const { promise: failing, reject: fail } = Promise.withResolvers<never>();
  failing.catch(() => undefined);
  return {
    store: {
      ...watched.store,
      update: (...change: NonNullable<typeof late>) => {
        if (late) return store.preferences.update(...change);
        late = change;
        return failing;
      },
    },
    fail: () => fail(new StoreError("not confirmed by a majority in time")),
    commit: () => store.preferences.update(...late!),
  };
}
const LATE_MS = 15_000;
/** The person opts out, and the write ends in a time-out. */
async function optsOutUnconfirmed(preferences: Preferences, slow: ReturnType<typeof storingLate>): Promise<void> {
  await redisAnswers(preferences);
  const updating = preferences.update(APP, ada, changing([news]));
  slow.fail();
  assert.equal(await updating, undefined);
}

test("an opt-out whose write ended in a time-out is obeyed for ever once the store has it, 15 s later", async () => {
  const slow = storingLate();
  await using one = over(slow.store);
  await using two = await start();
  await optsOutUnconfirmed(one, slow);
  assert.equal(await ask(two), "allowed", "it is not stored");
  await sweepsOver(LATE_MS);
  await slow.commit();
  await sweepsOver(LATE_MS);
  for (const p of [one, two]) assert.equal(await ask(p), "opted-out");
});

test("so is one that an opt-in written before it, but not yet in Redis, would remove there", async () => {
  await using two = await start();
  await two.update(APP, ada, changing([news]));
  const optedIn = await store.preferences.update(APP, ada, changing([], [news]), clock.now());
  const slow = storingLate();
  await using one = over(slow.store);
  await optsOutUnconfirmed(one, slow);
  await createOptOutSets(redis, BUCKETS).apply([{ record: optedIn, withdrawn: [news] }]);
  await sweepsOver(LATE_MS);
  await slow.commit();
  await sweepsOver(LATE_MS);
  for (const p of [one, two]) assert.equal(await ask(p), "opted-out");
});

test("so is one whose process ended before the store had it", async () => {
  const slow = storingLate();
  await using two = await start();
  {
    await using one = over(slow.store);
    await optsOutUnconfirmed(one, slow);
  }
  await sweepsOver(LATE_MS);
  await slow.commit();
  await sweepsOver(LATE_MS);
  assert.equal(await ask(two), "opted-out");
});

test("so is one that Redis lost before the store had it", async () => {
  const slow = storingLate();
  await using one = over(slow.store);
  await optsOutUnconfirmed(one, slow);
  await redis.flushall();
  await sweepsOver(LATE_MS);
  await redisAnswers(one);
  await slow.commit();
  await sweepsOver(LATE_MS);
  assert.equal(await ask(one), "opted-out");
});
