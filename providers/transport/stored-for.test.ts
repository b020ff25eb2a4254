import assert from "node:assert/strict";
import { test } from "node:test";
import { apnsExpiration, storedSeconds } from "./stored-for.ts";

const now = 1_700_000_000_000;

test("a push is stored until it expires, in whole seconds, for four weeks at most", () => {
  assert.equal(storedSeconds({ expiresAt: now - 5_000 }, now), 0);
  assert.equal(storedSeconds({ expiresAt: now + 1_999 }, now), 1);
  assert.equal(storedSeconds({ expiresAt: now + 90 * 86_400_000 }, now), 28 * 86_400);
  assert.equal(apnsExpiration({ expiresAt: now + 1_999 }, now), "1700000001");
});

test("a lifetime of its own shortens that, and 0 is now or never", () => {
  const expiresAt = now + 60_000;
  assert.deepEqual(
    [0, 30, 300].map((ttlSeconds) => storedSeconds({ expiresAt, ttlSeconds }, now)),
    [0, 30, 60],
  );
  assert.deepEqual(
    [0, 30, 300].map((ttlSeconds) => apnsExpiration({ expiresAt, ttlSeconds }, now)),
    ["0", "1700000030", "1700000060"],
  );
});
