import assert from "node:assert/strict";
import { test } from "node:test";
import { runInChild } from "./children.ts";
import { MUTATION_SEEDS, MUTATIONS } from "./mutations.ts";

for (const mutation of MUTATIONS) {
  const within = mutation.seeds ?? MUTATION_SEEDS;
  test(`detects within ${within} seeds: ${mutation.name}`, async () => {
    const { broken, seeds } = await runInChild(1, within, mutation);
    assert.ok(broken[0], `not detected in ${seeds} seeds`);
  });
}

test(`keeps every promise on the same ${MUTATION_SEEDS} seeds without a mutation`, async () => {
  const { broken } = await runInChild(1, MUTATION_SEEDS);
  assert.deepEqual(
    broken.map(({ seed, violations }) => [seed, violations]),
    [],
  );
});
