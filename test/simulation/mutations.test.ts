import assert from "node:assert/strict";
import { test } from "node:test";
import { runInChild } from "./children.ts";
import { MUTATION_SEEDS, MUTATIONS } from "./mutations.ts";

for (const mutation of MUTATIONS) {
  const within = mutation.seeds ?? MUTATION_SEEDS;
  test(`notices within ${within} seeds: ${mutation.name}`, async () => {
    const { broken, seeds } = await runInChild(1, within, mutation);
    assert.ok(broken[0], `not noticed in ${seeds} seeds`);
  });
}

test(`holds on the same ${MUTATION_SEEDS} seeds where nothing is mutated`, async () => {
  const { broken } = await runInChild(1, MUTATION_SEEDS);
  assert.deepEqual(
    broken.map(({ seed, violations }) => [seed, violations]),
    [],
  );
});
