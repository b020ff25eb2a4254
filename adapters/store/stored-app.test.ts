import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppRecord } from "../../core/apps/app.ts";
import { sampleApp } from "../../test/support/store/samples.ts";
import { readApp, type StoredApp, writeApp } from "./stored-app.ts";

const app: AppRecord = sampleApp({
  limits: { openMax: 5 },
  categories: [{ name: "news", labels: {}, default: "opted-out" }],
  brand: { names: { en: "Shop" } },
});
const stored = (record: AppRecord) => JSON.parse(JSON.stringify(writeApp(record))) as StoredApp;

/** As the version before categories reads a record, changes it and replaces it. */
function changedByEarlier({ id, channels, limits = {}, accounts, keys, version = 0 }: StoredApp, set: { weight?: number }): StoredApp {
  return { id, channels, limits: { ...limits, ...set }, ...(accounts && { accounts }), keys: keys ?? [], version: version + 1 };
}

test("categories and a brand survive a process of an earlier version that changes the app", () => {
  assert.deepEqual(readApp(stored(app)), app);
  const changed = readApp(changedByEarlier(changedByEarlier(stored(app), { weight: 3 }), {}));
  assert.deepEqual(changed, { ...app, limits: { openMax: 5, weight: 3 }, version: app.version + 2 });
  assert.deepEqual(readApp(stored(changed)), changed);
});

test("what was taken away does not come back", () => {
  const { categories, brand, ...rest } = app;
  assert.deepEqual(readApp(changedByEarlier(stored(rest), {})), { ...rest, version: app.version + 1 });
  assert.deepEqual(readApp(stored({ ...rest, limits: {}, brand })), { ...rest, limits: {}, brand });
});
