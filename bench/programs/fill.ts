// Fills a store with copies of two notifications that the store itself wrote: the same rows or documents, each with ids of its own, as random as real ones.
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { type Document, MongoClient } from "mongodb";
import { recipientCrc } from "../../adapters/sqlite/recipient-key.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import { answering } from "../answering.ts";
import { createCopies } from "../performance/copies.ts";

export interface FillOrder {
  /** What stands in the templates, and what each copy has its own of. */
  ended: Template & { worker: string; providerRef: string; acceptedAt: number; startedAt: number; answeredAt: number };
  open: Template & { app: string; sendAt: number };
  kind: "ended" | "open";
  /** Copies that are there already, those to be made now, and those that will be there at the end. */
  from: number;
  count: number;
  of: number;
}

interface Template {
  id: string;
  key: string;
  token: string;
  expiresAt: number;
}

export interface Filled {
  /** Some of the order's. */
  ids: string[];
  /** The whole store, with the last order of a kind; 0 before. */
  bytes: number;
}

/** Apps that have scheduled what is open. */
const APPS = 20;
/** The time over which the copies are spread: as long as notifications are kept, and as far ahead as some are scheduled. */
const SPREAD_MS = 10 * 86_400_000;
/** Of SQLite, which changes pages of two indexes at random. */
const CACHE_KIB = 2_000_000;
/** Documents of one insert, and inserts at once. */
const DOCUMENTS = 500;
const INSERTS = 4;

/** Copies in memory at once. */
const IN_MEMORY = 10_000;
/** Ids in an answer. */
const IDS_MAX = 100;

type Row = Record<string, SQLInputValue>;
interface Target {
  /** A row or document as it is stored. */
  read(table: "notifications" | "attempts", id: string): Promise<object>;
  write(notifications: readonly object[], attempts: readonly object[]): Promise<void>;
  /** Ends the writing; returns the size of the whole store. */
  finish(): Promise<number>;
}

/** The copy with the number `n`: what stands in the places of the template, in the order of placesOf(). */
function textsOf({ kind, ended, open, of }: FillOrder, n: number): { id: string; texts: string[] } {
  const id = randomBytes(16).toString("hex");
  const token = `${id}${id}`;
  const key = `history-${kind}-${String(n).padStart(9, "0")}`;
  const shiftMs = Math.round((SPREAD_MS * n) / of);
  if (kind === "open")
    return { id, texts: [id, key, token, `app-${n % APPS}`, ...[open.sendAt, open.expiresAt].map((at) => String(at + shiftMs))] };
  const ref = `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
  const times = [ended.acceptedAt, ended.startedAt, ended.answeredAt, ended.expiresAt].map((at) => String(at - SPREAD_MS + shiftMs));
  return { id, texts: [id, key, token, `worker-${id.slice(0, 12)}`, ref, ...times] };
}

function placesOf({ kind, ended, open }: FillOrder): string[] {
  if (kind === "open") return [open.id, open.key, open.token, open.app, String(open.sendAt), String(open.expiresAt)];
  const { id, key, token, worker, providerRef, acceptedAt, startedAt, answeredAt, expiresAt } = ended;
  return [id, key, token, worker, providerRef, ...[acceptedAt, startedAt, answeredAt, expiresAt].map(String)];
}

function openSqlite(path: string): Target {
  const database = new DatabaseSync(path);
  // No other process has the file open, and a fill that fails is not continued. The roles set their own modes as they open it.
  const { journal_mode: mode } = database.prepare("pragma journal_mode = memory").get() ?? {};
  if (mode !== "memory") throw new Error(`the journal mode is ${mode}`);
  for (const pragma of ["locking_mode = exclusive", "synchronous = off", `cache_size = -${CACHE_KIB}`]) database.exec(`pragma ${pragma}`);
  const columns = {
    notifications:
      "id, app, class, recipient, recipient_crc, content_gone, due, outbox_key, later_due, ended_at, failed_at, accepted_at, cancel_key, doc",
    attempts: "id, worker, answered, doc",
  };
  const insertOf = (table: keyof typeof columns) =>
    database.prepare(`insert into ${table} (${columns[table]}) values (${columns[table].replaceAll(/\w+/g, ":$&")})`);
  const [insertNotification, insertAttempt] = [insertOf("notifications"), insertOf("attempts")];
  return {
    read: async (table, id) => database.prepare(`select ${columns[table]} from ${table} where id = ?`).get(id)!,
    async write(notifications, attempts) {
      // One transaction for all, so that a page of an index is written once, however many copies change it.
      if (!database.isTransaction) database.exec("begin");
      for (const row of notifications as Row[])
        insertNotification.run({ ...row, recipient_crc: recipientCrc(String(row.app), String(row.recipient)) });
      for (const row of attempts) insertAttempt.run(row as Row);
    },
    async finish() {
      database.exec("commit");
      return statSync(path).size;
    },
  };
}

async function openMongodb(url: string): Promise<Target> {
  const client = await MongoClient.connect(url);
  const db = client.db();
  async function insert(table: string, documents: readonly object[]): Promise<void> {
    const groups = Array.from({ length: Math.ceil(documents.length / DOCUMENTS) }, (_, i) =>
      documents.slice(i * DOCUMENTS, (i + 1) * DOCUMENTS),
    );
    const inserter = async () => {
      for (let group = groups.pop(); group; group = groups.pop())
        await db.collection(table).insertMany(group as Document[], { ordered: false });
    };
    await Promise.all(Array.from({ length: INSERTS }, inserter));
  }
  return {
    read: async (table, id) => (await db.collection<Document & { _id: string }>(table).findOne({ _id: id }))!,
    async write(notifications, attempts) {
      await insert("notifications", notifications);
      await insert("attempts", attempts);
    },
    finish: async () => Number((await db.command({ dbStats: 1 })).storageSize),
  };
}

const [storeUrl = ""] = process.argv.slice(2);
const target = storeUrl.startsWith("sqlite:") ? openSqlite(storeUrl.slice("sqlite:".length)) : await openMongodb(storeUrl);

answering(async (order: FillOrder): Promise<Filled> => {
  const { kind, from, count } = order;
  const template = order[kind].id;
  const places = placesOf(order);
  const copier = async (table: "notifications" | "attempts", id: string) =>
    createCopies<object>(JSON.stringify(await target.read(table, id)), places);
  const copyNotification = await copier("notifications", template);
  const copyAttempt = kind === "ended" ? await copier("attempts", attemptId(`${template}-0`, 1)) : undefined;
  const copies = Array.from({ length: count }, (_, i) => textsOf(order, from + i));
  for (let i = 0; i < count; i += IN_MEMORY) {
    const some = copies.slice(i, i + IN_MEMORY);
    await target.write(
      some.map(({ texts }) => copyNotification(texts)),
      copyAttempt ? some.map(({ texts }) => copyAttempt(texts)) : [],
    );
  }
  const ids = copies.slice(-IDS_MAX).map(({ id }) => id);
  return { ids, bytes: from + count === order.of ? await target.finish() : 0 };
});
