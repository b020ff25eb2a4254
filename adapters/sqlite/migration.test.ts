import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { dueAt, type NotificationRecord } from "../../core/delivery/notification.ts";
import { reasonText } from "../../core/delivery/reason.ts";
import { allNotifications } from "../../test/support/everything.ts";
import { byId, ids, sampleAttempt, sampleChange, sampleContact, sampleNotification, sent, T0 } from "../../test/support/store/samples.ts";
import { openStore } from "../store/open-store.ts";

/** Schema 1 as it was written to disk. */
const SCHEMA_1 = `
  create table notifications (id text not null primary key, lane integer not null, due integer, doc text not null) strict;
  create index outbox on notifications (lane, due) where due is not null;
  create table attempts (id text not null primary key, worker text not null, answered integer not null, doc text not null) strict;
  create table contacts (
    app text not null, endpoint_id text not null, user_id text not null, registered_at integer not null, doc text not null,
    primary key (app, endpoint_id)
  ) strict;
  create index contacts_of_user on contacts (app, user_id);
  create table preferences (
    app text not null, subject text not null, updated_at integer not null, doc text not null,
    primary key (app, subject)
  ) strict;
  create index preferences_changed on preferences (updated_at, app, subject);
  create table apps (id text not null primary key, doc text not null) strict;
  create table app_keys (key_hash text not null, app text not null, primary key (key_hash, app)) strict, without rowid;
  pragma user_version = 1;
`;

/** A notification of which the deliveries failed at these moments; undefined: still pending. */
function failedAt(...moments: (number | undefined)[]): NotificationRecord {
  const record = sampleNotification(moments.map((moment) => (moment === undefined ? T0 : undefined)));
  for (const [i, endedAt] of moments.entries())
    if (endedAt !== undefined)
      Object.assign(record.deliveries[i]!, { state: "failed", reason: { code: "rejected", detail: "x" }, endedAt });
  return record;
}

const records = {
  open: sampleNotification([T0]),
  suppressed: sampleNotification([undefined]),
  once: failedAt(T0 + 20),
  twice: failedAt(T0 + 10, T0 + 30, undefined),
  // The word alone is no failure.
  inText: sampleNotification([T0, undefined], { content: { sms: { text: '"failed"' } }, category: "failed" }),
};
const attempt = sampleAttempt({ outcome: { kind: "unanswered", fault: { code: "deadline", detail: "" } }, answeredAt: T0 });

const contacts = [sampleContact(), sampleContact({ endpoint: { channel: "email", address: "family@example.com" }, registeredAt: T0 + 1 })];

/** As it was written then: with a lane, and a reason was text. */
const textOf = ({ deliveries, ...rest }: NotificationRecord) =>
  JSON.stringify({
    ...rest,
    lane: 7,
    deliveries: deliveries.map(({ reason, ...d }) => (reason ? { ...d, reason: reasonText(reason) } : d)),
  });

function fileOfSchema1() {
  const directory = mkdtempSync(join(tmpdir(), "carillon-sqlite-"));
  const path = join(directory, "store.db");
  using database = new DatabaseSync(path);
  database.exec("pragma journal_mode = wal");
  database.exec(SCHEMA_1);
  const insert = database.prepare("insert into notifications (id, lane, due, doc) values (?, ?, ?, ?)");
  for (const record of Object.values(records)) insert.run(record.id, 7, dueAt(record.deliveries) ?? null, textOf(record));
  const register = database.prepare("insert into contacts values (?, ?, ?, ?, ?)");
  for (const c of contacts) register.run(c.app, c.endpointId, c.userId, c.registeredAt, JSON.stringify(c));
  database.prepare("insert into attempts values (?, ?, 1, ?)").run(attempt.id, attempt.worker, JSON.stringify(attempt));
  return { path, url: `sqlite:${path}`, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

describe("SQLite store: a file of schema 1", () => {
  it("keeps all it holds, and knows what had failed", async () => {
    using file = fileOfSchema1();
    await using store = await openStore(file.url);
    assert.deepEqual(await allNotifications(store), byId(Object.values(records)));
    assert.deepEqual(await Array.fromAsync(store.notifications.failed(0, T0 * 2)), [records.once, records.twice]);
    assert.deepEqual(await Array.fromAsync(store.notifications.failed(T0 + 10, T0 + 11)), [records.twice]);
    using raw = new DatabaseSync(file.path);
    const places = raw.prepare("select id, failed_at as at from notifications where failed_at is not null order by at").all();
    assert.deepEqual(
      places.map(({ id, at }) => ({ id, at })),
      [
        { id: records.once.id, at: T0 + 20 },
        { id: records.twice.id, at: T0 + 30 },
      ],
    );
  });

  it("keeps its contacts, of which a mailbox may be shared from now on", async () => {
    using file = fileOfSchema1();
    await using store = await openStore(file.url);
    assert.deepEqual(await store.contacts.list("shop", ["u1"]), contacts);
    for (const contact of contacts) await store.contacts.register({ ...contact, userId: "u2" });
    const users = (await store.contacts.find(contacts)).map(({ endpoint, userId }) => `${endpoint.channel} ${userId}`);
    assert.deepEqual(users.sort(), ["apns u2", "email u1", "email u2"]);
  });

  it("is worked on as one that was made new", async () => {
    using file = fileOfSchema1();
    await using store = await openStore(file.url);
    const { open, twice } = records;
    const changes = [sampleChange(open, 0, { state: "failed", nextAt: undefined, endedAt: T0 + 40 }), sampleChange(twice, 2, sent("ref"))];
    assert.deepEqual(await store.notifications.change(changes), [true, true]);
    assert.deepEqual(ids(await Array.fromAsync(store.notifications.failed(T0 + 30, T0 + 41))), ids([twice, open]));
    const resolution = { outcome: { kind: "accepted", providerRef: "r" }, by: "receipt", at: T0 } as const;
    assert.deepEqual(await store.attempts.resolve([{ id: attempt.id, resolution }]), [true]);
    assert.deepEqual(await store.attempts.find([attempt.id]), [{ ...attempt, resolution }]);
    assert.equal(await store.attempts.attribute("twilio", "r", "other/1"), false, "what was written before is known too");
    const bytes = new Uint8Array([1]);
    const poison = { id: "p", channel: "sms", notificationClass: "critical", reason: "r", bytes, keptAt: T0 } as const;
    await store.poison.keep(poison);
    assert.deepEqual(await store.poison.list(1), [poison]);
  });

  it("has what is open leased once, whatever room its queue has", async () => {
    using file = fileOfSchema1();
    await using store = await openStore(file.url);
    const lease = () => store.notifications.leaseDue(T0, T0, [{ later: "transactional", limit: 10 }]);
    const { open, twice, inText } = records;
    assert.deepEqual(ids(await lease()).sort(), ids([open, twice, inText]).sort());
    const changes = [open, twice, inText].map((n) => sampleChange(n, n === twice ? 2 : 0, { nextAt: T0 - 1 }));
    assert.deepEqual(await store.notifications.change(changes), [true, true, true]);
    assert.deepEqual(await lease(), []);
  });

  it("may be opened by several at the same moment, and again later", async () => {
    using file = fileOfSchema1();
    for (let round = 0; round < 2; round++) {
      const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(file.url)));
      for (const store of stores) {
        assert.equal((await Array.fromAsync(store.notifications.failed(0, T0 * 2))).length, 2);
        await store[Symbol.asyncDispose]();
      }
    }
  });

  it("gets the very schema of one that was made new", async () => {
    using file = fileOfSchema1();
    const schemaOf = (path: string) => {
      using database = new DatabaseSync(path);
      const rows = database.prepare("select type, name, sql from sqlite_schema where sql is not null order by name").all();
      return rows.map(({ type, name, sql }) => `${type} ${name} ${String(sql).replaceAll(/\s+/g, " ")}`);
    };
    const fresh = `${file.path}-new`;
    for (const path of [file.path, fresh]) await (await openStore(`sqlite:${path}`))[Symbol.asyncDispose]();
    assert.deepEqual(schemaOf(file.path), schemaOf(fresh));
  });
});
