import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { FIRST_PLACE, LAST_PLACE } from "../../core/ports/notification-store.ts";
import type { SteeringRecord } from "../../core/ports/steering-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { FragileDisk } from "../../test/support/sqlite/fragile-disk.ts";
import { sampleAttempt, sampleChange, sampleContact, sampleNotification, sent } from "../../test/support/store/samples.ts";
import { openSqliteStore } from "./open.ts";

const LONG_AGO = 1;
const ended = { app: "shop", notificationClass: "marketing", before: LONG_AGO } as const;
const record = sampleNotification();
const attempt = sampleAttempt();
const result = { id: attempt.id, worker: attempt.worker, outcome: { kind: "accepted", providerRef: "r" }, answeredAt: 5 } as const;
const change = sampleChange(record, 0, sent("r"));
const resolution = { outcome: result.outcome, by: "receipt", at: 6 } as const;
const window = { from: 0, until: 9 };

/** One call of each method. All of them may be about what another process has just committed. */
const CALLS: Record<string, (store: Store) => Promise<unknown> | AsyncIterable<unknown>> = {
  "notifications.insert": ({ notifications }) => notifications.insert([record]),
  "notifications.find": ({ notifications }) => notifications.find("x"),
  "notifications.leaseDue": ({ notifications }) => notifications.leaseDue(0, 1, []),
  "notifications.change": ({ notifications }) => notifications.change([change]),
  "notifications.count": ({ notifications }) => notifications.count(),
  "notifications.page": ({ notifications }) => notifications.page("", 1),
  "notifications.ofRecipient": ({ notifications }) => notifications.ofRecipient("shop", record.recipient, FIRST_PLACE, 1),
  "notifications.openOf": ({ notifications }) => notifications.openOf("shop", { userId: "u1" }, FIRST_PLACE, 1),
  "notifications.countOpenOf": ({ notifications }) => notifications.countOpenOf("shop", { userId: "u1" }, FIRST_PLACE, 1),
  "notifications.search": ({ notifications }) => notifications.search("shop", { kind: "all" }, { from: 0, before: LAST_PLACE }, 1),
  "notifications.openOfApp": ({ notifications }) => notifications.openOfApp("shop", 1),
  "notifications.failed": ({ notifications }) => notifications.failed(0, 1),
  "contents.put": ({ contents }) => contents.put([]),
  "contents.get": ({ contents }) => contents.get("shop", "x"),
  "contents.purge": ({ contents }) => contents.purge(LONG_AGO, 1),
  "blobs.begin": ({ blobs }) => blobs.begin("u", 0),
  "blobs.putChunk": ({ blobs }) => blobs.putChunk("u", 0, new Uint8Array(1)),
  "blobs.commit": ({ blobs }) => blobs.commit({ app: "shop", id: "x", bytes: 1, keepUntil: 0, upload: "none", chunkCount: 1 }),
  "blobs.abandon": ({ blobs }) => blobs.abandon("none"),
  "blobs.keep": ({ blobs }) => blobs.keep("shop", "x", 0),
  "blobs.find": ({ blobs }) => blobs.find("shop", "x"),
  "blobs.readChunk": ({ blobs }) => blobs.readChunk("u", 0),
  "blobs.purge": ({ blobs }) => blobs.purge(LONG_AGO, 1),
  "attempts.claim": ({ attempts }) => attempts.claim([attempt]),
  "attempts.record": ({ attempts }) => attempts.record([result]),
  "attempts.resolve": ({ attempts }) => attempts.resolve([{ id: attempt.id, resolution }]),
  "attempts.attribute": ({ attempts }) => attempts.attribute("twilio", "r", attempt.id),
  "attempts.find": ({ attempts }) => attempts.find(["x"]),
  "attempts.withReference": ({ attempts }) => attempts.withReference("r", 1),
  "attempts.between": ({ attempts }) => attempts.between("a", "b"),
  settle: (store) => store.settle!([{ result, change }]),
  "contacts.register": ({ contacts }) => contacts.register(sampleContact()),
  "contacts.remove": ({ contacts }) => contacts.remove("shop", "u1", "x"),
  "contacts.removeGone": ({ contacts }) => contacts.removeGone("shop", "x", { goneAt: 0, startedAt: 0, answeredAt: 0 }),
  "contacts.list": ({ contacts }) => contacts.list("shop", ["u1"]),
  "contacts.all": ({ contacts }) => contacts.all("shop"),
  "preferences.find": ({ preferences }) => preferences.find("shop", ["x"]),
  "preferences.update": ({ preferences }) => preferences.update("shop", "x", { origin: {} }, 0),
  "preferences.history": ({ preferences }) => preferences.history("shop", "x", 1, 1),
  "preferences.remove": ({ preferences }) => preferences.remove("shop", "x"),
  "preferences.removeHistory": ({ preferences }) => preferences.removeHistory("shop", "x"),
  "preferences.purgeHistory": ({ preferences }) => preferences.purgeHistory(LONG_AGO, 1),
  "preferences.changedSince": ({ preferences }) => preferences.changedSince(0),
  "profiles.find": ({ profiles }) => profiles.find("shop", ["u1"]),
  "profiles.put": ({ profiles }) => profiles.put("shop", "u1", {}, 0),
  "profiles.remove": ({ profiles }) => profiles.remove("shop", "u1"),
  "apps.find": ({ apps }) => apps.find("shop"),
  "apps.findByKeyHash": ({ apps }) => apps.findByKeyHash("x"),
  "apps.list": ({ apps }) => apps.list(),
  "apps.change": ({ apps }) => apps.change("shop", (app) => ({ ...app!, keys: [] })),
  "caps.take": ({ caps }) => caps.take([{ app: "shop", subject: "s", category: "c", window, max: 1, notificationId: record.id }]),
  "caps.purge": ({ caps }) => caps.purge(LONG_AGO, 1),
  "poison.keep": ({ poison }) =>
    poison.keep({
      id: "p",
      deliveryId: "d",
      channel: "sms",
      notificationClass: "marketing",
      reason: "",
      bytes: new Uint8Array(),
      keptAt: 0,
    } as never),
  "poison.list": ({ poison }) => poison.list(1),
  "poison.purge": ({ poison }) => poison.purge(LONG_AGO, 1),
  "webhooks.find": ({ webhooks }) => webhooks.find("shop"),
  "webhooks.list": ({ webhooks }) => webhooks.list(),
  "webhooks.change": ({ webhooks }) => webhooks.change("shop", (endpoints) => [...endpoints]),
  "webhooks.due": ({ webhooks }) => webhooks.due("shop", "crm", 0, 1),
  "webhooks.postpone": ({ webhooks }) => webhooks.postpone(webhookEvent, { due: 1, tries: 1 }),
  "webhooks.end": ({ webhooks }) => webhooks.end(webhookEvent),
  "webhooks.forget": ({ webhooks }) => webhooks.forget("shop", "crm"),
  "webhooks.purge": ({ webhooks }) => webhooks.purge(LONG_AGO, 1),
  "webhooks.oldest": ({ webhooks }) => webhooks.oldest(),
  "steering.list": ({ steering }) => steering.list(),
  "steering.put": ({ steering }) => steering.put(pause),
  "steering.remove": ({ steering }) => steering.remove(pause),
  "steering.log": ({ steering }) => steering.log({ id: "1", at: 0, actor: "eve", action: "pause", target: "channel:sms", reason: "test" }),
  "steering.actions": ({ steering }) => steering.actions(undefined, 1),
  "steering.actionsOf": ({ steering }) => steering.actionsOf("pause", undefined, 1),
  "steering.findAction": ({ steering }) => steering.findAction("x"),
  "steering.purgeActions": ({ steering }) => steering.purgeActions(LONG_AGO, 1),
  purge: (store) => store.purge(ended, 1),
  deleteContent: (store) => store.deleteContent(ended, 0, 1),
  erase: (store) => store.erase(["x"], 0),
  overwriteDeleted: (store) => store.overwriteDeleted!(),
  lease: (store) => store.lease("work", "holder", 0, 1),
};
const pause: SteeringRecord = { target: { kind: "channel", value: "sms" }, state: "paused", actor: "eve", reason: "test", at: 1 };
const webhookEvent = { change: { app: "shop", subject: "s", version: 1 }, endpoint: "crm" };
/** Methods that answer nothing that was committed, or that need not wait (readToDecide() in transact.ts). */
const OTHERS = [
  // There is nothing to recover: an event is written with its change.
  ...["time", "contacts.find", "webhooks.recover"],
  ...["dueKeys", "dueUnder", "openCount", "openCountOf", "openCounts", "open"].map((method) => `notifications.${method}`),
];

describe("SQLite store: what another process has committed is on disk before it is answered", () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-answers-"));
  const path = join(directory, "store.sqlite");
  const disk = new FragileDisk(path);
  let store: Store;
  let other: DatabaseSync;
  before(async () => {
    store = await openSqliteStore(path, { openLog: disk.open });
    other = new DatabaseSync(path);
    other.exec("pragma synchronous = off");
    await store.notifications.insert([record]);
    await store.attempts.claim([attempt]);
    await store.apps.change("shop", () => ({ id: "shop", keys: [] }) as never);
  });
  after(async () => {
    other.close();
    await store[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  for (const [name, call] of Object.entries(CALLS))
    it(name, async () => {
      const gate = Promise.withResolvers<void>();
      disk.until = gate.promise;
      other.exec("insert into caps (key, until, taken) values (hex(randomblob(9)), 99, '[]')");
      const flushes = disk.flushes;
      let isAnswered = false;
      const answer = call(store);
      const work = (Symbol.asyncIterator in answer ? Array.fromAsync(answer) : answer).finally(() => {
        isAnswered = true;
      });
      while (disk.flushes === flushes) {
        assert.ok(!isAnswered, "answered, and the disk was not asked");
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(!isAnswered, "answered before the disk did");
      gate.resolve();
      await work;
    });

  it("and every method is among these", () => {
    const methods = Object.entries(store).flatMap(([name, part]) => {
      if (typeof part === "function") return [name];
      return Object.entries(part as object).flatMap(([method, is]) => (typeof is === "function" ? [`${name}.${method}`] : []));
    });
    assert.deepEqual(methods.filter((name) => !OTHERS.includes(name)).toSorted(), Object.keys(CALLS).toSorted());
  });

  it("an answer waits for nothing where nobody has committed anything since", async () => {
    await store.notifications.find("x");
    const flushes = disk.flushes;
    await store.notifications.find("x");
    assert.deepEqual(await store.notifications.leaseDue(0, 1, []), []);
    assert.deepEqual(await store.notifications.insert([record]), [{ kind: "exists", record: await store.notifications.find(record.id) }]);
    assert.equal(disk.flushes, flushes);
  });
});
