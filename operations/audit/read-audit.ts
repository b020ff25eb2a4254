import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import { type Audit, createAudit } from "./audit.ts";
import { type Break, breaksIn, type Taken } from "./audit-breaks.ts";
import { ledgerOf, type TakenLedger } from "./ledger.ts";

/** Notifications per page, read with all their attempts: a few MB. */
const PAGE_NOTIFICATIONS = 500;
/** A suspected break counts only if each of these further readings finds it again; pauses in ms. */
const READ_AGAIN_AFTER_MS = [100, 400, 1_500];
/** Notifications read again together: each group costs the pauses above. */
const SUSPECTS_MAX = 1_000;
/** Notifications found by id at the same time. */
const CONCURRENCY = 50;
/** No id is above it. */
const LAST_ID = "f".repeat(32);

export interface AuditKnown {
  taken?: TakenLedger | Taken | undefined;
  /** Delivery ids that callers received in an answer; may grow during the audit. */
  accepted?: ReadonlySet<string> | undefined;
}

/** `read`: so many more notifications are counted. `suspected`: so many look broken and are read again. */
export interface AuditProgress {
  kind: "read" | "suspected";
  notifications: number;
}

export interface AuditOptions {
  onProgress?(progress: AuditProgress): void;
  readAgainAfterMs?: readonly number[];
}

type AuditedStore = Pick<Store, "notifications" | "attempts">;
interface Reading {
  store: AuditedStore;
  ledger?: TakenLedger | undefined;
  clock: Pick<Clock, "sleep">;
  pausesMs?: readonly number[] | undefined;
}

/**
 * Counts the promises over everything stored, page by page, while the system is running. A suspected break is read again before it counts;
 * breaksIn says what can look broken for a moment, and why the order of reading is notifications, what providers accepted, attempts.
 * Only the ledger's list is held in memory as a whole.
 */
export async function readAudit(
  { store, clock }: { store: AuditedStore; clock: Pick<Clock, "sleep"> },
  known: AuditKnown,
  options: AuditOptions = {},
): Promise<Audit> {
  const ledger = known.taken && ("all" in known.taken ? known.taken : ledgerOf(known.taken));
  const { accepted } = known;
  const reading: Reading = { store, ledger, clock, ...(options.readAgainAfterMs && { pausesMs: options.readAgainAfterMs }) };
  const counting = createAudit({ accepted, witnessed: ledger !== undefined });
  const suspects = new Map<string, Break[]>();
  const settle = async () => {
    if (suspects.size === 0) return;
    options.onProgress?.({ kind: "suspected", notifications: suspects.size });
    counting.report(await confirmed(reading, suspects));
    suspects.clear();
  };

  // Read before the first page, so the store has all of them. In the order of ids, like the pages.
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
    for (const [id, breaks] of counting.add(page, attempts, taken)) suspects.set(id, breaks);
    if (suspects.size >= SUSPECTS_MAX) await settle();
    options.onProgress?.({ kind: "read", notifications: page.length });
    after = last;
  }
  await settle();
  if (accepted && counting.found < accepted.size) counting.report(await missing(reading, accepted));
  return counting.result();
}

/** By notification id. */
type Breaks = ReadonlyMap<string, readonly Break[]>;

/** The breaks that every one of several readings finds, with pauses between them. */
export async function confirmed(reading: Reading, suspects: Breaks): Promise<Break[]> {
  let left = suspects;
  for (const [again, pauseMs] of (reading.pausesMs ?? READ_AGAIN_AFTER_MS).entries()) {
    if (left.size === 0) return [];
    await reading.clock.sleep(pauseMs);
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

/** Reads these notifications with all their deliveries, in the order that breaksIn requires. */
async function readAgain({ store, ledger }: Reading, suspects: Breaks): Promise<Breaks> {
  const found = new Map<string, Break[]>();
  for (const some of chunks(suspects)) {
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
 * The ids that the store does not have. Each delivery was stored before its caller was answered; one that was stored after its page was read
 * is found now.
 */
async function missing({ store, clock, pausesMs = READ_AGAIN_AFTER_MS }: Reading, accepted: ReadonlySet<string>): Promise<Break[]> {
  let left: Iterable<string> = accepted.values().take(accepted.size);
  for (const pauseMs of [0, ...pausesMs]) {
    await clock.sleep(pauseMs);
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
    if (some.length < CONCURRENCY) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
