import assert from "node:assert/strict";
import { test } from "node:test";
import { limitFaults } from "./limits.ts";
import { CONTENT_DAYS, METADATA_DAYS, readDays, retentionOf, retentionOfDays } from "./retention.ts";

const DAY_MS = 86_400_000;
const all = (days: number) => ({ critical: days, transactional: days, marketing: days });

test("days are one number for every class, or one with exceptions by class", () => {
  assert.deepEqual(readDays("30", CONTENT_DAYS), all(30));
  assert.deepEqual(readDays("30,critical=7", CONTENT_DAYS), { ...all(30), critical: 7 });
  assert.deepEqual(readDays("marketing=2, 30", CONTENT_DAYS), { ...all(30), marketing: 2 });
  assert.deepEqual(readDays("critical=1,transactional=2,marketing=3", CONTENT_DAYS), { critical: 1, transactional: 2, marketing: 3 });
});

test("other text is rejected with the rule", () => {
  for (const text of ["", "x", "-1", "1.5", "critical=7", "30,urgent=7", "30,critical=", "30,,", "0", "99999", "30,critical=0"])
    assert.throws(() => readDays(text, CONTENT_DAYS), /must be days from 1 to 3650/, text);
});

test("metadata is kept for as long as an idempotency key is promised to hold", () => {
  assert.equal(METADATA_DAYS.min, 35);
  assert.deepEqual(readDays("35", METADATA_DAYS), all(35));
  assert.throws(() => readDays("34", METADATA_DAYS), /from 35/);
  assert.throws(() => readDays("400,critical=34", METADATA_DAYS), /from 35/);
  assert.match(limitFaults({ metadataDays: { critical: 34 } }).join(), /^metadataDays: must be days from 35/);
  assert.match(limitFaults({ contentDays: { critical: 0 } }).join(), /^contentDays: must be days from 1/);
  assert.deepEqual(limitFaults({ contentDays: { critical: 1 }, metadataDays: { marketing: 35 } }), []);
});

test("an app's own days come before the installation's, and a content is not kept longer than its notification", () => {
  const installation = retentionOfDays(all(30), all(400));
  assert.deepEqual(retentionOf(installation, {}), installation);
  const own = retentionOf(installation, { contentDays: { critical: 2, marketing: 90 }, metadataDays: { marketing: 60 } });
  assert.deepEqual(own.content, { critical: 2 * DAY_MS, transactional: 30 * DAY_MS, marketing: 60 * DAY_MS });
  assert.deepEqual(own.metadata, { critical: 400 * DAY_MS, transactional: 400 * DAY_MS, marketing: 60 * DAY_MS });
  assert.deepEqual(retentionOfDays(all(500), all(400)).content, installation.metadata);
});
