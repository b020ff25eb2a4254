import { setTimeout as delay } from "node:timers/promises";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import { notificationIdOf } from "../core/ports/attempt-store.ts";
import type { Store } from "../core/ports/store.ts";
import { type Audit, createAudit } from "../operations/audit/audit.ts";
import { type Break, breaksIn, type Taken } from "../operations/audit/audit-breaks.ts";
import { ledgerOf, type TakenLedger } from "./dev/sandbox-ledger.ts";

/** Notifications read at once, with all their attempts: a few MB. */
const PAGE_NOTIFICATIONS = 500;
/** What looks broken is read again so often, after so many ms each; what looks broken every time is. */
const READ_AGAIN_AFTER_MS = [100, 400, 1_500];
/** Notifications that are read again together: each group costs the pauses above. */
const SUSPECTS_MAX = 1_000;
/** Notifications that are asked for by id at the same time. */
const READ_AT_ONCE = 50;
/** What no id is above. */
const LAST_ID = "f".repeat(32);

export interface AuditKnown {
  taken?: TakenLedger | Taken | undefined;
  /** Delivery ids that callers were told of; may grow meanwhile. */
  accepted?: ReadonlySet<string> | undefined;
}

export interface AuditOptions {
  onRead?(notifications: number): void;
  /** Called with how many notifications looked broken and are to be read again. */
  onCrashCounter?(notifications: number): void;
  readAgainAfterMs?: readonly number[];
}

type AuditedStore = Pick<Store, "notifications" | "attempts">;
interface Reading {
  store: AuditedStore;
  ledger: TakenLedger | undefined;
  pausesMs: readonly number[];
}

/**
 * Counts the promises over everything stored, page by page, while the system goes on. What looks broken is read again before it counts; see
 * breaksIn for what can look so, and why the order of reading is this: notifications, what providers took, attempts.
 * A ledger's whole list is held in memory, and nothing else that grows with the store.
 */
export async function readAudit(store: AuditedStore, known: AuditKnown, options: AuditOptions = {}): Promise<Audit> {
  const ledger = known.taken && ("all" in known.taken ? known.taken : ledgerOf(known.taken));
  const { accepted } = known;
  const reading: Reading = { store, ledger, pausesMs: options.readAgainAfterMs ?? READ_AGAIN_AFTER_MS };
  const counting = createAudit({ accepted, witnessed: ledger !== undefined });
  const crashCounter = new Map<string, Break[]>();
  const settle = async () => {
    if (crashCounter.size === 0) return;
    options.onCrashCounter?.(crashCounter.size);
    counting.blame(await confirmed(reading, crashCounter));
    crashCounter.clear();
  };

  // Taken before the first page is read, so the store knows them all. In the order of ids, as the pages are.
  const takenIds = ledger && [...(await ledger.all()).keys()].sort();
  let takenAt = 0;
  for (let after = ""; after !== LAST_ID; ) {
    const page = await store.notifications.page(after, PAGE_NOTIFICATIONS);
    const last = page.length < PAGE_NOTIFICATIONS ? LAST_ID : page.at(-1)!.id;
    const ids = deliveryIds(page);
    for (; takenIds && takenAt < takenIds.length && (last === LAST_ID || notificationIdOf(takenIds[takenAt]!) <= last); takenAt++)
      ids.push(takenIds[takenAt]!);
    const taken = await ledger?.of([...new Set(ids)]);
    const attempts = (await store.attempts.between(after, last)).filter((a) => notificationIdOf(a.deliveryId) > after);
    for (const [id, breaks] of counting.add(page, attempts, taken)) crashCounter.set(id, breaks);
    if (crashCounter.size >= SUSPECTS_MAX) await settle();
    options.onRead?.(page.length);
    after = last;
  }
  await settle();
  if (accepted && counting.found < accepted.size) counting.blame(await missing(reading, accepted));
  return counting.result();
}

/** By notification id. */
type Breaks = ReadonlyMap<string, readonly Break[]>;

/** What looks broken in every one of several readings, with time between them. */
async function confirmed(reading: Reading, crashCounter: Breaks): Promise<Break[]> {
  let left = crashCounter;
  for (const [again, pauseMs] of reading.pausesMs.entries()) {
    if (left.size === 0) return [];
    await delay(pauseMs);
    const found = await readAgain(reading, left);
    left = again === 0 ? found : inBoth(left, found);
  }
  return [...left.values()].flat();
}

function inBoth(before: Breaks, now: Breaks): Breaks {
  const both = new Map<string, Break[]>();
  for (const [id, breaks] of now) {
    const still = breaks.filter((b) => before.get(id)?.some((x) => x.check === b.check && x.id === b.id));
    if (still.length > 0) both.set(id, still);
  }
  return both;
}

/** These notifications as wholes, in the order that breaksIn asks for. */
async function readAgain({ store, ledger }: Reading, crashCounter: Breaks): Promise<Breaks> {
  const found = new Map<string, Break[]>();
  for (const some of chunks(crashCounter)) {
    const notifications = (await Promise.all(some.map(([id]) => store.notifications.find(id)))).filter((n) => n !== undefined);
    const ids = [...deliveryIds(notifications), ...some.flatMap(([, breaks]) => breaks.map((b) => b.id))];
    const taken = await ledger?.of([...new Set(ids)]);
    const attempts = (await Promise.all(some.map(([id]) => store.attempts.between(id, id)))).flat();
    for (const [id, breaks] of breaksIn(notifications, attempts, taken)) found.set(id, breaks);
  }
  return found;
}

const deliveryIds = (notifications: readonly NotificationRecord[]) => notifications.flatMap((n) => n.deliveries.map((d) => d.id));

/**
 * Those of the ids that the store does not have. Each was stored before its caller heard of it; one that came after its page was read is
 * found now.
 */
async function missing({ store, pausesMs }: Reading, accepted: ReadonlySet<string>): Promise<Break[]> {
  let left: Iterable<string> = accepted.values().take(accepted.size);
  for (const pauseMs of [0, ...pausesMs]) {
    await delay(pauseMs);
    const still: string[] = [];
    for (const some of chunks(left)) {
      const found = await Promise.all(some.map((id) => store.notifications.find(notificationIdOf(id))));
      still.push(...some.filter((id, i) => !found[i]?.deliveries.some((d) => d.id === id)));
    }
    if (still.length === 0) return [];
    left = still;
  }
  return [...left].map((id) => ({ check: "kept", id }));
}

function* chunks<T>(items: Iterable<T>): Generator<T[]> {
  let some: T[] = [];
  for (const item of items) {
    some.push(item);
    if (some.length < READ_AT_ONCE) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
