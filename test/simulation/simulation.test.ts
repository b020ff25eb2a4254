import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../core/ports/store.ts";
import { runWorld } from "./world.ts";

/** SIMULATION_SEEDS=5000 for a night; a seed that fails is printed, and SIMULATION_FIRST repeats it. */
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 60);
const FIRST = Number(process.env.SIMULATION_FIRST ?? 1);

test(`keeps every promise in ${SEEDS} worlds where processes die or stall at any call`, async () => {
  let crashes = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const end = await runWorld(seed);
    const broken = end.audit.checks.filter((c) => !c.holds);
    assert.deepEqual(broken, [], `seed ${seed}`);
    assert.equal(end.audit.open, 0, `seed ${seed}: deliveries that never end`);
    assert.deepEqual(end.refusedSends, [], `seed ${seed}: sent to someone who had refused`);
    assert.deepEqual(end.hasty, [], `seed ${seed}: given up too soon`);
    crashes += end.crashes;
  }
  assert.ok(crashes > SEEDS, `only ${crashes} crashes: the world is too kind to prove anything`);
});

const sabotages: [string, (store: Store) => Store, string][] = [
  [
    "a claim that everybody wins",
    (store) => ({ ...store, attempts: { ...store.attempts, claim: async (all) => (await store.attempts.claim(all)).map(() => true) } }),
    "3 no second send (providers)",
  ],
  [
    "outcomes that are not recorded",
    (store) => ({ ...store, attempts: { ...store.attempts, record: async (all) => all.map(() => true) } }),
    "3 sent has its attempt",
  ],
];

for (const [what, sabotage, promise] of sabotages) {
  test(`notices ${what}`, async () => {
    const broken = new Set<string>();
    for (let seed = 1; seed <= 20 && !broken.has(promise); seed++) {
      for (const c of (await runWorld(seed, sabotage)).audit.checks) if (!c.holds) broken.add(c.promise);
    }
    assert.ok(broken.has(promise), `broken: ${[...broken].join(", ")}`);
  });
}
