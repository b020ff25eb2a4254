import { erasedAttempt } from "../../core/delivery/erasure.ts";
import { type AttemptOutcome, type AttemptRecord, type AttemptStore, notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { PurgeCounts } from "../../core/ports/store.ts";
import { frozen } from "./frozen.ts";

/** Synchronous access to the stored state, for checks between two events. */
export interface AttemptsInside {
  get(id: string): AttemptRecord | undefined;
  values(): Iterable<AttemptRecord>;
}

export function createMemoryAttempts(): AttemptStore & {
  inside: AttemptsInside;
  purge(notificationIds: readonly string[]): Pick<PurgeCounts, "attempts" | "attributions">;
  erase(notificationIds: readonly string[]): Pick<PurgeCounts, "attempts" | "attributions">;
} {
  const attempts = new Map<string, AttemptRecord>();
  const attributions = new Map<string, string>();
  return {
    inside: { get: (id) => attempts.get(id), values: () => attempts.values() },

    claim: async (all) =>
      all.map((attempt) => {
        if (attempts.has(attempt.id)) return false;
        attempts.set(attempt.id, frozen(attempt));
        return true;
      }),

    record: async (results) =>
      results.map(({ id, worker, outcome, answeredAt }) => {
        const attempt = attempts.get(id);
        if (!attempt || attempt.outcome || (worker !== undefined && worker !== attempt.worker)) return false;
        attempts.set(id, frozen({ ...attempt, outcome, answeredAt }));
        return true;
      }),

    resolve: async (results) =>
      results.map(({ id, resolution }) => {
        const attempt = attempts.get(id);
        if (!attempt || attempt.resolution || (attempt.outcome && attempt.outcome.kind !== "unanswered")) return false;
        attempts.set(id, frozen({ ...attempt, resolution }));
        return true;
      }),

    attribute: async (provider, providerRef, id) => {
      const reference = `${provider}/${providerRef}`;
      const has = (outcome: AttemptOutcome | undefined) => outcome?.kind === "accepted" && outcome.providerRef === providerRef;
      const other = [...attempts.values()].find(
        (a) => a.id !== id && a.provider === provider && (has(a.outcome) || has(a.resolution?.outcome)),
      );
      const owner = attributions.get(reference) ?? id;
      attributions.set(reference, other && owner === id ? other.id : owner);
      return attributions.get(reference) === id;
    },

    find: async (ids) => [...new Set(ids)].flatMap((id) => attempts.get(id) ?? []),

    withReference: async (providerRef, limit) =>
      [...attempts.values()]
        .filter(({ outcome, resolution }) =>
          [outcome, resolution?.outcome].some((of) => of?.kind === "accepted" && of.providerRef === providerRef),
        )
        .map(({ id }) => id)
        .slice(0, Math.max(0, limit)),

    purge(notificationIds) {
      const purged = new Set(notificationIds);
      const removed = [...attempts.keys()].filter((id) => purged.has(notificationIdOf(id)));
      for (const id of removed) attempts.delete(id);
      const references = [...attributions].filter(([, id]) => purged.has(notificationIdOf(id)));
      for (const [reference] of references) attributions.delete(reference);
      return { attempts: removed.length, attributions: references.length };
    },

    erase(notificationIds) {
      const erased = new Set(notificationIds);
      const mine = [...attempts.values()].filter(({ id }) => erased.has(notificationIdOf(id)));
      for (const attempt of mine) attempts.set(attempt.id, frozen(erasedAttempt(attempt)));
      const references = [...attributions].filter(([, id]) => erased.has(notificationIdOf(id)));
      for (const [reference] of references) attributions.delete(reference);
      return { attempts: mine.length, attributions: references.length };
    },

    between: async (first, last) =>
      [...attempts.values()].filter(({ id }) => {
        const of = notificationIdOf(id);
        return of >= first && of <= last;
      }),
  };
}
