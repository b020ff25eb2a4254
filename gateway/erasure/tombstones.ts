import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import { isSameOptOut, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { refusalsAgainst } from "../../core/preferences/tombstone.ts";
import { type CallError, callError } from "../../runtime/call-error.ts";
import { type Choices, ERASURE } from "./erase-user.ts";
import type { ErasureKey } from "./erasure-key.ts";

/** Keeps who was erased from coming back as opted in. Each asks the store once, by key, and no send does. Reject with a StoreError. */
export interface Tombstones {
  /** Before a user is registered again, with their refusals as they were. */
  restore(app: string, userId: string): Promise<void>;
  /**
   * Before choices to be notified (consents, or refusals to be forgotten) are stored: the error where refusals of an erased subject are against them and nothing
   * proves that they are new. With evidence those refusals are kept no longer.
   */
  check(app: string, subject: string, choices: readonly OptOut[], evidence: string): Promise<CallError | undefined>;
}

export const NO_TOMBSTONES: Tombstones = { restore: async () => {}, check: async () => undefined };

export function createTombstones({
  store,
  choices,
  key,
  clock,
}: {
  store: Pick<PreferenceStore, "find" | "update">;
  choices: Pick<Choices, "ofUser">;
  key: Pick<ErasureKey, "tombstoneOf">;
  clock: { now(): number };
}): Tombstones {
  const kept = async (app: string, subject: string) => (await store.find(app, [key.tombstoneOf(app, subject)]))[0]?.optOuts ?? [];
  return {
    async restore(app, userId) {
      const subject = userSubject(userId);
      const refusals = await kept(app, subject);
      if (refusals.length === 0) return;
      const [live] = await store.find(app, [subject]);
      const missing = refusals.filter((refusal) => !live?.optOuts.some((optOut) => isSameOptOut(optOut, refusal)));
      if (missing.length > 0) await choices.ofUser(app, userId, { optOut: missing });
    },
    async check(app, subject, wanted, evidence) {
      if (wanted.length === 0) return undefined;
      const against = refusalsAgainst(await kept(app, subject), wanted);
      if (against.length === 0) return undefined;
      if (evidence === "") return erasedError;
      await store.update(app, key.tombstoneOf(app, subject), { forget: against, origin: ERASURE }, clock.now());
      return undefined;
    },
  };
}

const erasedError = callError(
  "FAILED_PRECONDITION",
  "ERASED",
  "origin.evidence: the subject refused this before it was erased; say what proves that the consent is a new one",
  { fields: [{ field: "origin.evidence", rule: "erased.evidence", message: "must say what proves that the consent is a new one" }] },
);
