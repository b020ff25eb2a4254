import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import { parseLine } from "../cli/gateway/jsonl.ts";
import { CHANNELS } from "../core/delivery/channel.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { ignoreEvents } from "../test/support/changes.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { noQuotas } from "../test/support/no-quotas.ts";
import { noShares } from "../test/support/no-shares.ts";
import { createAccept } from "./accept.ts";
import { toAccepted } from "./answer.ts";
import { createGatewayMetrics } from "./metrics.ts";

interface Stored {
  request: { key: string; push?: { data?: Record<string, string> } };
  record: { id: string; lane: number; acceptedAt: number; deliveries: { id: string; channel: string; nextAt?: number }[] };
}
const read = (name: string) => readFileSync(new URL(`../test/support/stored/${name}`, import.meta.url), "utf8");
/** Requests, each with the record that revision 2972bbf stored for it. */
const stored = JSON.parse(read("unversioned-hashes.json")) as Stored[];

/** A SQLite file of revision 2972bbf that holds these records. */
function oldFile() {
  const directory = mkdtempSync(join(tmpdir(), "carillon-upgrade-"));
  const path = join(directory, "store.db");
  using database = new DatabaseSync(path);
  database.exec("pragma journal_mode = wal");
  database.exec(read("sqlite.sql"));
  const insert = database.prepare("insert into notifications (id, lane, due, doc) values (?, ?, ?, ?)");
  for (const { record } of stored) {
    const due = Math.min(...record.deliveries.flatMap(({ nextAt }) => nextAt ?? []));
    insert.run(record.id, record.lane, Number.isFinite(due) ? due : null, JSON.stringify(record));
  }
  return { url: `sqlite:${path}`, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

test("a key stored by an earlier version gets its original answer, and is rejected with another payload", async () => {
  using file = oldFile();
  await using store = await openStore(file.url);
  const clock = createFakeClock();
  const accepting = createAccept({
    shares: noShares,
    ...{
      store,
      recorder: ignoreEvents,
      clock,
      watchdogFirstMs: 30_000,
      failpoint: () => {},
      pushHosts: ["push.example"],
      insertsWaitingMax: 100,
    },
    load: { isFull: () => false, accepted: () => {}, run: async () => {} },
    quotas: noQuotas,
    log: createLogger("test", "error", { write() {} }),
    optOuts: { check: async (questions) => questions.map(() => "allowed") },
    publisher: { publish: async () => assert.fail("a repeated key publishes nothing") },
    metrics: createGatewayMetrics(createMetrics("test")),
  });
  const send = async (request: object, at: number) => {
    const message = parseLine(JSON.stringify(request), at);
    const [result] = await accepting.accept({ id: "shop", channels: [...CHANNELS], limits: {}, keys: [], version: 1 }, [
      { message, path: "notification", violations: [] },
    ]);
    return result!;
  };
  for (const { request, record } of stored) {
    // At the time of acceptance, and long after all its times have passed.
    for (const later of [0, 400 * 86_400_000]) {
      clock.advance(record.acceptedAt + later - clock.now());
      const data = request.push?.data && Object.fromEntries(Object.entries(request.push.data).reverse());
      const again = await send({ ...request, ...(data ? { push: { ...request.push, data } } : {}) }, record.acceptedAt);
      assert.ok(again.kind === "accepted" && again.repeatedKey, request.key);
      const { notificationId, deliveries } = toAccepted(again.record, true);
      assert.equal(notificationId, record.id);
      assert.deepEqual(
        deliveries.map((d) => d.deliveryId),
        record.deliveries.map((d) => d.id),
      );
    }
    clock.advance(record.acceptedAt - clock.now());
    const other = await send({ ...request, category: "something-else" }, record.acceptedAt);
    // Its key is no point on the curve, which that version did not check.
    const code = request.key === "webpush" ? "INVALID_ARGUMENT" : "ALREADY_EXISTS";
    assert.ok(other.kind === "rejected" && other.error.code === code, request.key);
  }
});
