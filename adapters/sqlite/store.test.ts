import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { Store } from "../../core/ports/store.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import { sampleAttempt, sampleChange, sampleNotification, sent } from "../../test/support/store/samples.ts";
import { describeStoreContract, type TestDatabase } from "../../test/support/store-contract.ts";
import { openStore, StoreError } from "../store/open-store.ts";
import { createAttemptStore } from "./attempts.ts";
import { createContentStore } from "./contents.ts";
import { createNotificationStore } from "./notifications.ts";
import { createPoisonStore } from "./poison.ts";
import { recipientCrc, recipientKey } from "./recipient-key.ts";
import { createWrites } from "./writes.ts";

async function createDatabase(): Promise<TestDatabase & { path: string }> {
  const directory = mkdtempSync(join(tmpdir(), "carillon-sqlite-"));
  const path = join(directory, "new", "store.db");
  return {
    path,
    url: `sqlite:${path}`,
    [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true }),
  };
}

describeStoreContract("SQLite store", createDatabase);
describeStoreContract("SQLite store with a writing thread", async () => ({ ...(await createDatabase()), hasWriterThread: true }));

describe("SQLite store: outcomes and changes in one write", () => {
  const record = sampleNotification();
  const claim = sampleAttempt({ deliveryId: `${record.id}-0` });
  const { id, worker } = claim;
  const result = { id, worker, outcome: { kind: "accepted", providerRef: "reference" }, answeredAt: 5 } as const;

  async function openClaimed(url: string) {
    const store = await openStore(url);
    await store.notifications.insert([record]);
    await store.attempts.claim([claim]);
    return store;
  }
  const stored = async (store: Store) => [
    (await store.attempts.find([id]))[0]?.outcome?.kind,
    (await store.notifications.find(record.id))?.deliveries[0]?.state,
  ];

  it("says of each whether it was applied", async () => {
    await using database = await createDatabase();
    await using store = await openClaimed(database.url);
    const settle = () => store.settle!([{ result, change: sampleChange(record, 0, sent("reference")) }]);
    assert.deepEqual(await settle(), [{ recorded: true, changed: true }]);
    assert.deepEqual(await stored(store), ["accepted", "sent"]);
    assert.deepEqual(await settle(), [{ recorded: false, changed: false }]);
  });

  it("writes neither where one of them fails", async () => {
    await using database = await createDatabase();
    await using store = await openClaimed(database.url);
    const change = sampleChange(record, 0, { ...sent("reference"), nextAt: 1n as unknown as number });
    await assert.rejects(store.settle!([{ result, change }]), TypeError);
    assert.deepEqual(await stored(store), [undefined, "pending"]);
  });
});

describe("SQLite store: its file", () => {
  it("is readable by its owner alone, side files too", async () => {
    await using database = await createDatabase();
    await using store = await openStore(database.url);
    await store.notifications.insert([sampleNotification()]);
    for (const suffix of ["", "-wal", "-shm"]) assert.equal(statSync(database.path + suffix).mode & 0o077, 0, suffix);
  });

  it("answers every question from an index in the order asked for, and counts the deliveries alone by reading everything", async () => {
    await using database = await createDatabase();
    await (await openStore(database.url))[Symbol.asyncDispose]();
    const statements: string[] = [];
    class Listening extends DatabaseSync {
      override prepare(sql: string) {
        statements.push(sql);
        return super.prepare(sql);
      }
    }
    using raw = new Listening(database.path);
    const writes = createWrites(raw);
    createNotificationStore(raw, writes);
    createAttemptStore(raw, writes);
    createContentStore(raw, writes);
    createPoisonStore(raw);
    const plans = [...statements].map((sql) => ({
      sql,
      plan: raw
        .prepare(`explain query plan ${sql}`)
        .all()
        .map(({ detail }) => detail),
    }));
    const planOf = (part: string) => [...new Set(plans.filter(({ sql }) => sql.includes(part)).flatMap(({ plan }) => plan))];
    const searchDue = "SEARCH notifications USING COVERING INDEX notifications_due (due<?)";
    assert.deepEqual(planOf("select 1 from notifications where due <= ?"), ["CO-ROUTINE (subquery-1)", searchDue, "SCAN (subquery-1)"]);
    assert.deepEqual(planOf("select rowid, doc from notifications where outbox_key"), [
      "SEARCH notifications USING INDEX notifications_outbox (outbox_key=? AND due<?)",
    ]);
    assert.deepEqual(planOf("later_due <= :now"), ["SEARCH notifications USING INDEX notifications_later (class=? AND later_due<?)"]);
    assert.ok(planOf("with recursive keys").every((detail) => !/SCAN notifications|TEMP B-TREE(?! FOR LAST TERM)/.test(String(detail))));
    assert.ok(
      planOf("due between").includes("SEARCH notifications USING COVERING INDEX notifications_app_due (app=? AND due>? AND due<?)"),
    );
    const searchEnded =
      "SEARCH notifications USING INDEX notifications_retention (app=? AND class=? AND content_gone=? AND ended_at>? AND ended_at<?)";
    assert.deepEqual(planOf("ended_at < "), [searchEnded]);
    assert.deepEqual(planOf("from attributions where attempt >= "), [
      "SEARCH attributions USING INDEX attributions_attempt (attempt>? AND attempt<?)",
    ]);
    assert.deepEqual(planOf("delete from attempts"), ["SEARCH attempts USING INDEX sqlite_autoindex_attempts_1 (id>? AND id<?)"]);
    const ofOpen = planOf("as row, due, doc").filter((detail) => String(detail).startsWith("SEARCH"));
    const byDue = (bounds: string) => `SEARCH notifications USING INDEX notifications_due (${bounds})`;
    assert.deepEqual(ofOpen, [byDue("due=? AND rowid>?"), byDue("due>?")]);
    assert.deepEqual(planOf("failed_at >= "), ["SEARCH notifications USING INDEX failures (failed_at>?)"]);
    assert.deepEqual(planOf("doc from attempts where id >= "), ["SEARCH attempts USING INDEX sqlite_autoindex_attempts_1 (id>? AND id<?)"]);
    assert.deepEqual(
      planOf("answered_reference").filter((detail) => !/QUERY|UNION/.test(String(detail))),
      [
        ...["answered", "resolved"].map((what) => `SEARCH attempts USING INDEX attempts_${what} (${what}_reference=?)`),
        "SEARCH attempts USING INDEX attempts_answered (answered_reference>?)",
      ],
    );
    assert.deepEqual(planOf("doc from contents where app = "), [
      "SEARCH contents USING INDEX sqlite_autoindex_contents_1 (app=? AND hash=?)",
    ]);
    assert.ok(planOf("keep_until < ?").includes("SEARCH contents USING INDEX contents_kept (keep_until<?)"));
    const searchReferences = "SEARCH content_references USING PRIMARY KEY (app=? AND address=?)";
    assert.ok(planOf("from content_references where app = ? and address = ? limit").includes(searchReferences));
    // What one recipient was sent within a millisecond is sorted by id.
    const sorted = "USE TEMP B-TREE FOR LAST TERM OF ORDER BY";
    const toRecipient = "USING INDEX notifications_to_recipient (recipient_crc=? AND accepted_at";
    assert.deepEqual(planOf("recipient = :recipient and (accepted_at, id) >"), [`SEARCH notifications ${toRecipient}>?)`, sorted]);
    assert.deepEqual(planOf("select doc from notifications indexed by notifications_cancel_key"), [
      "SEARCH notifications USING INDEX notifications_cancel_key (app=? AND cancel_key=? AND (accepted_at,id)>(?,?))",
    ]);
    const inRange = "accepted_at>? AND (accepted_at,id)<(?,?)";
    assert.deepEqual(planOf("n.recipient = :recipient"), [`SEARCH n ${toRecipient}>? AND accepted_at<?)`, sorted]);
    assert.deepEqual(planOf("indexed by notifications_accepted"), [`SEARCH n USING INDEX notifications_accepted (app=? AND ${inRange})`]);
    assert.deepEqual(planOf("from notification_tags t join"), [
      `SEARCH t USING PRIMARY KEY (app=? AND tag=? AND ${inRange.replace(",id", ",notification")})`,
      "SEARCH n USING INDEX sqlite_autoindex_notifications_1 (id=?)",
    ]);
    assert.deepEqual(planOf("doc, bytes from poison"), ["SCAN poison USING INDEX poison_kept"]);
    const readsAll = plans.filter(({ plan }) =>
      plan.some((detail) => /^SCAN (?!keys$|opened$)\w+$|TEMP B-TREE(?! FOR LAST TERM)/.test(String(detail))),
    );
    assert.deepEqual(
      readsAll.map(({ sql }) => /as state/.test(sql)),
      [true],
    );
  });

  it("tells recipients apart whose places in the index are the same", async () => {
    await using database = await createDatabase();
    await using store = await openStore(database.url);
    const [one, other] = usersOfOneCrc("shop");
    const records = [one, other].map((userId, i) =>
      sampleNotification([1], { app: "shop", recipient: { kind: "user", userId }, acceptedAt: i }),
    );
    await store.notifications.insert(records);
    const [record] = records;
    const recipient = record!.recipient;
    const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id);
    const before = { acceptedAt: 10, id: "" };
    assert.deepEqual(ids(await store.notifications.search("shop", { kind: "recipient", recipient }, { from: 0, before }, 10)), [
      record!.id,
    ]);
    assert.deepEqual(ids(await store.notifications.ofRecipient("shop", recipient, { acceptedAt: 0, id: "" }, 10)), [record!.id]);
    assert.deepEqual(ids(await store.notifications.openOf("shop", { userId: one }, { acceptedAt: 0, id: "" }, 10)), [record!.id]);
  });

  it("has the references of every provider in an index, and nothing of what has none", async () => {
    await using database = await createDatabase();
    await using store = await openStore(database.url);
    const outcome = { kind: "accepted", providerRef: "ref" } as const;
    const resolution = { outcome, by: "receipt", at: 0 } as const;
    const providers = ["apns", "twilio", "vonage"];
    const attempts = providers.map((provider) => sampleAttempt({ provider, outcome, resolution }));
    await store.attempts.claim([...attempts, sampleAttempt(), sampleAttempt({ provider: "" })]);
    using raw = new DatabaseSync(database.path);
    for (const what of ["answered", "resolved"]) {
      const indexed = raw.prepare(`select ${what}_reference as r from attempts indexed by attempts_${what} where r is not null`).all();
      assert.deepEqual(
        indexed.map(({ r }) => r),
        providers.map((provider) => `${provider}/ref`),
      );
    }
  });

  it("opens while another process is in the midst of a write", async () => {
    await using database = await createDatabase();
    await (await openStore(database.url))[Symbol.asyncDispose]();
    using writer = new DatabaseSync(database.path);
    writer.exec("begin immediate");
    await using store = await openStore(database.url);
    assert.equal(await store.notifications.openCount(1), 0);
    writer.exec("rollback");
  });

  it("says whether what was deleted was overwritten, and does not stand still meanwhile", async () => {
    await using database = await createDatabase();
    await using store = await openStore(database.url);
    await store.notifications.insert([sampleNotification()]);
    using reader = new DatabaseSync(database.path);
    reader.exec("begin");
    reader.prepare("select count(*) from notifications").get();
    await store.notifications.insert([sampleNotification()]);
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    assert.equal(await store.overwriteDeleted?.(), false);
    clearInterval(counting);
    assert.ok(turns > 10, `${turns}`);
    reader.exec("rollback");
    assert.equal(await store.overwriteDeleted?.(), true);
    assert.equal(statSync(`${database.path}-wal`).size, 0);
  });

  it("removes no content while it holds what an earlier version inserted, which may refer to it", async () => {
    await using database = await createDatabase();
    await using store = await openStore(database.url);
    const hash = "ab".repeat(32);
    await store.contents.put([{ app: "shop", hash, content: { sms: { text: "x" } }, keepUntil: 10 }]);
    const [own, others] = [sampleNotification([undefined], { contentHashes: { sms: hash } }), sampleNotification([1])];
    await store.notifications.insert([own, others]);
    using raw = new DatabaseSync(database.path);
    // As that version does it.
    raw.exec("update notifications set recipient = null where due is not null");
    assert.deepEqual((await store.erase([own.id], 1)).contents, 0);
    assert.equal(await store.contents.purge(20, 10), 0);
    assert.notEqual(await store.contents.get("shop", hash), undefined);
    await (await openStore(database.url))[Symbol.asyncDispose]();
    assert.equal(await store.contents.purge(Number.MAX_SAFE_INTEGER, 10), 1);
  });

  it("is in WAL mode", async () => {
    await using database = await createDatabase();
    await (await openStore(database.url))[Symbol.asyncDispose]();
    using raw = new DatabaseSync(database.path);
    assert.equal(raw.prepare("pragma journal_mode").get()?.journal_mode, "wal");
  });

  it("is rejected when a newer Carillon wrote it", async () => {
    await using database = await createDatabase();
    await (await openStore(database.url))[Symbol.asyncDispose]();
    {
      using raw = new DatabaseSync(database.path);
      raw.exec("pragma user_version = 99");
    }
    await assert.rejects(openStore(database.url), (error) => error instanceof StoreError && /newer/.test(error.message));
  });

  it("is rejected when it is no database, and when it cannot be created", async () => {
    await using database = await createDatabase();
    await (await openStore(database.url))[Symbol.asyncDispose]();
    writeFileSync(database.path, "this is not a database, whatever its name says");
    await assert.rejects(openStore(database.url), StoreError);
    await assert.rejects(openStore(`sqlite:${database.path}/below-a-file/store.db`), StoreError);
  });

  it("says which URLs there are when given another", async () => {
    await assert.rejects(
      openStore("postgres://who:secret@host/db"),
      (error) => error instanceof StoreError && !/secret/.test(error.message),
    );
  });

  it("may be in memory", async () => {
    await using store = await openStore("sqlite::memory:");
    const record = sampleNotification();
    await store.notifications.insert([record]);
    assert.deepEqual(await store.notifications.find(record.id), record);
  });
});

/** Two users of the app of whom recipientCrc() gives the same. Among 100,000 ids of random characters there are some; a CRC tells similar ids apart. */
function usersOfOneCrc(app: string): [string, string] {
  const users = new Map<number, string>();
  for (let n = 0; ; n++) {
    const user = sha256Hex(`${n}`);
    const crc = recipientCrc(app, recipientKey({ kind: "user", userId: user }));
    const other = users.get(crc);
    if (other !== undefined) return [other, user];
    users.set(crc, user);
  }
}
