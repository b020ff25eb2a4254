import assert from "node:assert/strict";
import { test } from "node:test";
import { capWindow } from "./frequency-cap.ts";

test("windows of a length follow one another from the beginning of 1970 on", () => {
  const windowMs = 86_400_000;
  const day = Date.UTC(2026, 5, 1);
  for (const now of [day, day + 1, day + windowMs - 1])
    assert.deepEqual(capWindow({ windowMs }, now), { from: day, until: day + windowMs });
  assert.deepEqual(capWindow({ windowMs }, day + windowMs), { from: day + windowMs, until: day + 2 * windowMs });
  assert.deepEqual(capWindow({ windowMs: 7 }, 0), { from: 0, until: 7 });
});
