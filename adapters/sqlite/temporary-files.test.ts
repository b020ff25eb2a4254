// For a savepoint SQLite copies pages to a temporary file before it changes them. The copies would hold recipients and contents.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { leaseDue } from "../../test/support/lease-due.ts";
import { sampleAttempt, sampleChange, sampleNotification, sent } from "../../test/support/store/samples.ts";

test("what a role writes fills no temporary file, however much shares a transaction", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-sqlite-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const files = join(directory, "temporary");
  mkdirSync(files);
  // Read when SQLite is used for the first time in this process.
  process.env.SQLITE_TMPDIR = files;
  const { openSqliteStore } = await import("./open.ts");
  await using store = await openSqliteStore(join(directory, "store.sqlite"));
  const before = statSync(files, { bigint: true }).mtimeNs;
  const records = Array.from({ length: 600 }, () => sampleNotification());
  const parts = Array.from({ length: 6 }, (_, i) => records.slice(100 * i, 100 * (i + 1)));
  await Promise.all(parts.map((part) => store.notifications.insert(part)));
  const now = records[0]!.sendAt + 1;
  const leased = await leaseDue(store.notifications, now, now + 60_000, 600);
  assert.equal(leased.length, 600);
  const claims = records.map(({ id }) => sampleAttempt({ deliveryId: `${id}-0` }));
  await Promise.all(parts.map((_, i) => store.attempts.claim(claims.slice(100 * i, 100 * (i + 1)))));
  const ends = records.map((record, i) => {
    const { id, worker } = claims[i]!;
    const outcome = { kind: "accepted", providerRef: `reference ${i}` } as const;
    return { result: { id, worker, outcome, answeredAt: 5 }, change: sampleChange(record, 0, sent("reference")) };
  });
  await Promise.all(parts.map((_, i) => store.settle!(ends.slice(100 * i, 100 * (i + 1)))));
  await store.erase(
    records.map(({ id }) => id),
    now,
  );
  assert.equal(statSync(files, { bigint: true }).mtimeNs, before);
});
