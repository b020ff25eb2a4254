// The product's rows and indexes, written by SQLite in a thread of its own and by nothing else: what the statements, the disk and the way to the thread cost.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { recipientCrc } from "../../adapters/sqlite/recipient-key.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import { toTask } from "../../core/delivery/task.ts";
import { factsOf, published, sent } from "../../core/delivery/transitions.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import { answering } from "../answering.ts";
import { createCopies } from "../performance/copies.ts";
import { storedNotification } from "../stored-notification.ts";

/** A write, once for each notification: in this order. */
export type BareWrite = "insert" | "publish" | "claim" | "settle";

export interface BareStoreOrder {
  write: BareWrite;
  items: number;
  /** Makes the rows, and writes what must be there before; the same order without it then writes them. */
  isPreparation: boolean;
}

/** Rows of a transaction, as a batch of the API has. */
const GROUP = 100;
/** Groups that wait for the thread or are in it: the next is ready when one is on disk. */
const GROUPS_IN_FLIGHT = 4;

type Row = Record<string, SQLInputValue>;
/** By statement: a notification with its attempts is written by one or two. */
const STATEMENTS = {
  insertNotification: `insert into notifications (id, app, class, recipient, recipient_crc, due, outbox_key, later_due, ended_at, failed_at, accepted_at, cancel_key, doc)
    values (:id, :app, :class, :recipient, :recipient_crc, :due, :outbox_key, :later_due, :ended_at, :failed_at, :accepted_at, :cancel_key, :doc) on conflict do nothing`,
  // Only what changes: a column that is named is written anew in each of its indexes, whatever its value.
  changeNotification: `update notifications set due = :due, outbox_key = :outbox_key, later_due = :later_due, ended_at = :ended_at,
    failed_at = :failed_at, doc = :doc where id = :id`,
  insertAttempt: "insert into attempts (id, worker, answered, doc) values (:id, :worker, :answered, :doc) on conflict do nothing",
  changeAttempt: "update attempts set worker = :worker, answered = :answered, doc = :doc where id = :id",
} as const;
type Statement = keyof typeof STATEMENTS;
type Group = readonly (readonly [Statement, Row])[];

const [storePath] = process.argv.slice(2);
if (isMainThread) await serve(storePath ?? "");
else writeGroups(workerData as string);

/** The thread. */
function writeGroups(path: string): void {
  const database = new DatabaseSync(path);
  // As the product opens it; alone, it loses nothing by flushing with the lock.
  for (const pragma of ["journal_mode = wal", "synchronous = full", "secure_delete = on", "wal_autocheckpoint = 4000"])
    database.exec(`pragma ${pragma}`);
  const prepared = Object.fromEntries(
    Object.entries(STATEMENTS).map(([name, sql]) => {
      const statement = database.prepare(sql);
      // A change does not name all columns of its row.
      statement.setAllowUnknownNamedParameters(true);
      return [name, statement];
    }),
  );
  parentPort!.on("message", (group: Group) => {
    database.exec("begin immediate");
    let changed = 0;
    for (const [statement, row] of group) changed += Number(prepared[statement]!.run(row).changes);
    database.exec("commit");
    parentPort!.postMessage(changed);
  });
}

async function serve(path: string): Promise<void> {
  const copiesOf = await readTemplates(path);
  const worker = new Worker(new URL(import.meta.url), { workerData: path, execArgv: [] });
  let ids: string[] = [];
  let groups: Group[] = [];

  async function write(all: readonly Group[]): Promise<void> {
    const left = [...all].reverse();
    let underWay = 0;
    const post = () => {
      const group = left.pop();
      if (group === undefined) return;
      underWay++;
      worker.postMessage(group);
    };
    for (let i = 0; i < GROUPS_IN_FLIGHT; i++) post();
    for (let done = 0; done < all.length; done++) {
      const [changed] = (await once(worker, "message")) as [number];
      if (changed !== all[done]!.length) throw new Error(`${changed} of ${all[done]!.length} rows were written`);
      underWay--;
      post();
    }
    if (underWay !== 0) throw new Error("a group was not written");
  }

  answering(async ({ write: wanted, items, isPreparation }: BareStoreOrder) => {
    if (!isPreparation) {
      const began = performance.now();
      await write(groups);
      return { ms: performance.now() - began };
    }
    ids = Array.from({ length: items }, () => randomBytes(16).toString("hex"));
    for (const earlier of EARLIER[wanted]) await write(groupsOf(ids, copiesOf[earlier]));
    groups = groupsOf(ids, copiesOf[wanted]);
    return undefined;
  });
}

/** What a notification must have been through before. */
const EARLIER: Readonly<Record<BareWrite, readonly BareWrite[]>> = {
  ...{ insert: [], publish: ["insert"], claim: [], settle: ["insert", "claim"] },
};

function groupsOf(ids: readonly string[], copy: (id: string) => Group): Group[] {
  return Array.from({ length: Math.ceil(ids.length / GROUP) }, (_, i) => ids.slice(i * GROUP, (i + 1) * GROUP).flatMap(copy));
}

/** Has the product's own store take one notification through all its writes, and reads the rows after each: what every copy is made from. */
async function readTemplates(path: string): Promise<Record<BareWrite, (id: string) => Group>> {
  await using store = await openStore(`sqlite:${path}`);
  const { notifications, attempts } = store;
  const reading = new DatabaseSync(path, { readOnly: true });
  const now = Date.now();
  const token = "f".repeat(64);
  const push = { title: "Your order", body: "It is on its way and arrives today.", data: { order: "1017" } };
  const record = storedNotification({ channel: "apns", token }, { key: "key-of-the-template", now, push });
  const delivery = record.deliveries[0]!;
  const attempt = attemptId(delivery.id, 1);
  /** Each copy has an id, a key and a token of its own. */
  const copier = (statement: Statement, table: string, id: string) => {
    // Those that no statement of a send names: generated, or with a default.
    const {
      answered_reference: _,
      resolved_reference: __,
      content_gone: ___,
      ...row
    } = reading.prepare(`select * from ${table} where id = ?`).get(id) as Row;
    const copy = createCopies<Row>(JSON.stringify(row), [record.id, record.idempotencyKey, token]);
    return (own: string) => {
      const row = copy([own, `key-${own.slice(0, 15)}`, `${own}${own}`]);
      if (table === "notifications") row.recipient_crc = recipientCrc(String(row.app), String(row.recipient));
      return [statement, row] as const;
    };
  };
  await notifications.insert([record]);
  const insert = copier("insertNotification", "notifications", record.id);
  await notifications.change([published(toTask(record, delivery), { now, publishedAt: now, watchdogFirstMs: 60_000 }).change]);
  const publish = copier("changeNotification", "notifications", record.id);
  const worker = "dispatcher-apns@carillon-dispatcher-apns-7c9f8d6b5-x2x7q-1a2b3c4d";
  const claimed = { id: attempt, deliveryId: delivery.id, number: 1, worker, provider: "apns", account: "default", startedAt: now };
  await attempts.claim([{ ...claimed, deadlineAt: now + 15_000 }]);
  const claim = copier("insertAttempt", "attempts", attempt);
  const providerRef = "00000000-0000-4000-8000-000000000000";
  await attempts.record([{ id: attempt, worker, outcome: { kind: "accepted", providerRef }, answeredAt: now + 50 }]);
  await notifications.change([sent(factsOf(record, delivery), { providerRef }, now + 50).change]);
  const settle = [copier("changeAttempt", "attempts", attempt), copier("changeNotification", "notifications", record.id)];
  reading.close();
  return {
    insert: (id) => [insert(id)],
    publish: (id) => [publish(id)],
    claim: (id) => [claim(id)],
    settle: (id) => settle.map((copy) => copy(id)),
  };
}
