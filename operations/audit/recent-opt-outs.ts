import { endpointId } from "../../adapters/ids.ts";
import type { AppRecord } from "../../core/apps/app.ts";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { mayBeSent } from "../../core/delivery/second-send.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { refusalOf } from "../../core/preferences/answer.ts";
import type { CategoryDefault } from "../../core/preferences/category.ts";
import { endpointSubject, type PreferenceRecord, userSubject } from "../../core/preferences/opt-out.ts";
import { OPT_OUT_BOUND_MS } from "../../core/preferences/opt-out-bound.ts";

/** How far the clock that stored an opt-out and the one that stored an attempt may differ, in ms. */
const CLOCKS_DIFFER_MS = 5_000;
/** An attempt that began later than this after an opt-out, in ms, broke the promise whatever the clocks say. */
export const OPT_OUT_PROVEN_MS = OPT_OUT_BOUND_MS + CLOCKS_DIFFER_MS;
/** Subjects of one read. */
const SUBJECTS = 500;

/** Sends and the choices that held for them. */
export interface OptOutCheck {
  /** Sends whose recipient's choices are known to be older than the send. */
  checked: number;
  /** Sends whose recipient changed something since: what held then is not in the record any more. */
  undecided: number;
  /** Ids of deliveries that were sent although the recipient had refused. */
  broken: string[];
}

interface Send {
  n: NotificationRecord;
  d: Delivery;
  /** When its last attempt began. */
  at: number;
}

/**
 * Compares what may have been sent with what its recipients chose, as the store has it now. What is critical is left out: it is sent while preferences cannot be
 * read. So are blocks of one sender alone, whose name the attempt does not tell.
 */
export async function checkOptOuts(
  { preferences }: Pick<Store, "preferences">,
  {
    apps,
    notifications,
    attempts,
  }: { apps: readonly AppRecord[]; notifications: readonly NotificationRecord[]; attempts: readonly AttemptRecord[] },
): Promise<OptOutCheck> {
  const began = new Map<string, number>();
  for (const attempt of attempts)
    if (attempt.provider !== "" && mayBeSent(attempt))
      began.set(attempt.deliveryId, Math.max(attempt.startedAt, began.get(attempt.deliveryId) ?? 0));
  const result: OptOutCheck = { checked: 0, undecided: 0, broken: [] };
  for (const app of apps) {
    const sends = notifications.flatMap((n) =>
      n.app !== app.id || n.notificationClass === "critical"
        ? []
        : n.deliveries.flatMap((d): Send[] => (began.has(d.id) ? [{ n, d, at: began.get(d.id)! }] : [])),
    );
    const records = await recordsOf(preferences, app.id, sends);
    for (const send of sends) {
      const own = subjectsOf(send).flatMap((subject) => records.get(subject) ?? []);
      if (own.some(({ updatedAt }) => updatedAt + OPT_OUT_PROVEN_MS > send.at)) {
        result.undecided += 1;
        continue;
      }
      result.checked += 1;
      if (isRefused(own, send, app)) result.broken.push(send.d.id);
    }
  }
  return result;
}

async function recordsOf(preferences: Store["preferences"], app: string, sends: readonly Send[]): Promise<Map<string, PreferenceRecord>> {
  const subjects = [...new Set(sends.flatMap(subjectsOf))];
  const records = new Map<string, PreferenceRecord>();
  for (let at = 0; at < subjects.length; at += SUBJECTS)
    for (const record of await preferences.find(app, subjects.slice(at, at + SUBJECTS))) records.set(record.subject, record);
  return records;
}

const subjectsOf = ({ n: { recipient }, d: { endpoint, endpointId: id } }: Send): string[] => [
  ...(recipient.kind === "user" ? [userSubject(recipient.userId)] : []),
  ...(endpoint ? [endpointSubject(id ?? endpointId(endpoint))] : []),
];

/** Whether they refused it. A missing consent does not count, because the category's default may have been another one then. */
function isRefused(own: readonly PreferenceRecord[], { n, d, at }: Send, { categories = [] }: AppRecord): boolean {
  const category = categories.find(({ name }) => name === n.category);
  const isRequired = [category?.default, ...Object.values(category?.tenantDefaults ?? {})].includes("required");
  const asked: CategoryDefault = isRequired ? "required" : "opted-in";
  const subjects = own.map((record) => ({ ...record, blocks: record.blocks.filter(({ pool }) => pool === undefined) }));
  return (
    refusalOf(subjects, { channel: d.channel, category: n.category, notificationClass: n.notificationClass, default: asked }, at) !==
    undefined
  );
}
