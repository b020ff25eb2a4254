import { type Audit, audit, type Known } from "../core/audit.ts";
import type { NotificationRecord } from "../core/notification.ts";
import type { AttemptRecord } from "../core/ports/attempt-store.ts";
import type { Store } from "../core/ports/store.ts";

export interface AuditReading {
  audit: Audit;
  notifications: NotificationRecord[];
  attempts: AttemptRecord[];
}

/** The sandbox answers from memory. */
const LEDGER_MS = 10_000;

/** Reads everything there is and counts the promises. For a store of millions this takes minutes and memory: run it on a copy. */
export async function readAudit(store: Store, known: Known): Promise<AuditReading> {
  // Notifications first: an attempt that is newer than its notification is not missing, one that is older would be.
  const notifications = await Array.fromAsync(store.notifications.all());
  const attempts = await Array.fromAsync(store.attempts.all());
  return { audit: audit(notifications, attempts, known), notifications, attempts };
}

/** How often the providers that the sandbox at this admin URL plays took each delivery. */
export async function fetchTaken(adminUrl: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(new URL("/ledger/acceptances", adminUrl), { signal: AbortSignal.timeout(LEDGER_MS) });
  if (!response.ok) throw new Error(`the sandbox answered ${response.status}`);
  return new Map(Object.entries((await response.json()) as Record<string, number>));
}
