import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../../runtime/config.ts";
import { readRetention, retentionVariables } from "./retention-config.ts";

const DAY_MS = 86_400_000;
const read = (env: Record<string, string>) => readRetention(readConfig(retentionVariables, env));

test("contents are kept for 30 days and notifications for 400, unless days are set", () => {
  assert.deepEqual([read({}).content.critical, read({}).metadata.marketing], [30 * DAY_MS, 400 * DAY_MS]);
  const own = read({ RETENTION_CONTENT_DAYS: "30,critical=1", RETENTION_METADATA_DAYS: "35" });
  assert.deepEqual([own.content.critical, own.content.marketing, own.metadata.critical], [DAY_MS, 30 * DAY_MS, 35 * DAY_MS]);
});

test("what would break the promise of idempotency keys, or keep a content without its notification, is rejected at the start", () => {
  assert.throws(() => read({ RETENTION_METADATA_DAYS: "34" }), /RETENTION_METADATA_DAYS: must be days from 35 to 3650/);
  assert.throws(() => read({ RETENTION_METADATA_DAYS: "400,marketing=7" }), /RETENTION_METADATA_DAYS: must be days from 35/);
  assert.throws(() => read({ RETENTION_CONTENT_DAYS: "60,critical=1", RETENTION_METADATA_DAYS: "40" }), /for transactional, marketing/);
});
