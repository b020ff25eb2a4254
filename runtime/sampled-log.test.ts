import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "./logger.ts";
import { createSampledLog, SAMPLE_MS } from "./sampled-log.ts";

test("a flood of one reason is a line in ten seconds, with how many were left out; another reason has its own", () => {
  const lines: string[] = [];
  let now = 5;
  const sampled = createSampledLog(createLogger("test", "info", { write: (line) => void lines.push(line) }), "rejected", () => now);
  for (let n = 0; n < 10_000; n++) sampled("late", { peer: `10.0.0.${n % 250}` });
  sampled("large", { peer: "10.0.1.1" });
  now += SAMPLE_MS;
  sampled("late", { peer: "10.0.2.2" });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ level, msg, reason, peer, unlogged }) => [level, msg, reason, peer, unlogged]),
    [
      ["warn", "rejected", "late", "10.0.0.0", 0],
      ["warn", "rejected", "large", "10.0.1.1", 0],
      ["warn", "rejected", "late", "10.0.2.2", 9_999],
    ],
  );
});
