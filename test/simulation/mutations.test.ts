import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { describe, test } from "node:test";
import { detect } from "./children.ts";
import { MUTATION_SEEDS, MUTATIONS } from "./mutations.ts";

// simulation.test.ts runs the same seeds without a mutation.
describe("a defect is detected", { concurrency: availableParallelism() }, () => {
  for (const mutation of MUTATIONS) {
    const within = mutation.seeds ?? MUTATION_SEEDS;
    test(`within ${within} seeds: ${mutation.name}`, async () => {
      const { broken, seeds } = await detect(mutation);
      assert.ok(broken[0], `not detected in ${seeds} seeds`);
    });
  }
});
