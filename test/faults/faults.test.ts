// A few rows of `make faults`, on SQLite; all results are in docs/reliability.md.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { seededRandom } from "../simulation/random.ts";
import { line } from "./page.ts";
import { runRow } from "./row.ts";
import { ALL_ROWS } from "./rows.ts";
import { startWorld, type World } from "./world.ts";

const SHORT = ["kill-dispatchers", "nats-deleted", "redis-flushall"];
const limits = { timeout: 240_000 };

describe("two processes of every role, under load", limits, () => {
  let world: World | undefined;
  const seed = randomInt(2 ** 31);
  const random = seededRandom(seed).next;
  before(async () => {
    world = await startWorld("sqlite", () => undefined);
  }, limits);
  after(() => world?.[Symbol.asyncDispose](), limits);

  for (const name of SHORT)
    test(`lose nothing and send nothing twice: ${name}`, limits, async () => {
      const row = ALL_ROWS.find((r) => r.name === name)!;
      const result = await runRow(world!, row, random, () => undefined);
      assert.ok(result.kind === "ran", "the row can run on every machine");
      assert.deepEqual(result.broken, [], `seed ${seed}\n${line(result)}`);
    });
});
