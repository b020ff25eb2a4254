import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import { isSameOptOut, type OptOut, userIdOf, userSubject } from "../../core/preferences/opt-out.ts";
import { refusalsAgainst, refusalsEndedBy } from "../../core/preferences/tombstone.ts";
import { type CallError, callError } from "../../runtime/call-error.ts";
import { type Choices, ERASURE } from "./choices.ts";
import type { ErasureKey } from "./erasure-key.ts";

/**
 * Keeps an erased user from coming back as opted in. Where nobody was erased, each method reads the store once, by key, and a send reads nothing. The methods
 * reject with a StoreError, or with what `choices` does.
 */
export interface Tombstones {
  /** Before a user is registered again, with their refusals as they were. Once after each erasure: what the person chose since counts more. */
  restore(app: string, userId: string): Promise<void>;
  /**
   * Before choices to be notified (consents, or refusals to be forgotten) are stored: the error where refusals of an erased subject are against them and nothing
   * proves that they are new. With evidence the user has their refusals again, so that the choices are exceptions from what they do not name.
   */
  check(app: string, subject: string, choices: readonly OptOut[], evidence: string): Promise<CallError | undefined>;
  /** After choices with evidence were stored: refusals of exactly the same are kept no longer. */
  settle(app: string, subject: string, choices: readonly OptOut[]): Promise<void>;
}

export const NO_TOMBSTONES: Tombstones = { restore: async () => {}, check: async () => undefined, settle: async () => {} };

export function createTombstones({
  store,
  choices,
  key,
  clock,
}: {
  store: Pick<PreferenceStore, "find" | "update">;
  choices: Pick<Choices, "ofUser">;
  key: Pick<ErasureKey, "tombstoneOf" | "restorationOf">;
  clock: { now(): number };
}): Tombstones {
  const find = async (app: string, subject: string) => (await store.find(app, [subject]))[0];
  const kept = async (app: string, subject: string) => (await find(app, key.tombstoneOf(app, subject)))?.optOuts ?? [];

  async function restore(app: string, userId: string): Promise<void> {
    const subject = userSubject(userId);
    const refusals = await kept(app, subject);
    if (refusals.length === 0) return;
    const mark = key.restorationOf(app, subject);
    const live = await find(app, subject);
    // Without a record the user was erased again since.
    if (live && (await find(app, mark))) return;
    // What the person consented to since the erasure, on the page, counts more. The others are written even where they are there: an erasure that is under way
    // sees by the version that it has to keep them.
    const optOut = refusals.filter((refusal) => !live?.consents.some((consent) => isSameOptOut(consent, refusal)));
    if (optOut.length > 0) await choices.ofUser(app, userId, { optOut });
    await store.update(app, mark, { origin: ERASURE }, clock.now());
  }

  return {
    restore,
    async check(app, subject, wanted, evidence) {
      if (wanted.length === 0) return undefined;
      const against = refusalsAgainst(await kept(app, subject), wanted);
      if (against.length === 0) return undefined;
      if (evidence === "") return erasedError;
      // An endpoint's own refusals were never removed.
      const userId = userIdOf(subject);
      if (userId !== undefined) await restore(app, userId);
      return undefined;
    },
    async settle(app, subject, stored) {
      if (stored.length === 0) return;
      const forget = refusalsEndedBy(await kept(app, subject), stored);
      if (forget.length > 0) await store.update(app, key.tombstoneOf(app, subject), { forget, origin: ERASURE }, clock.now());
    },
  };
}

const erasedError = callError(
  "FAILED_PRECONDITION",
  "ERASED",
  "origin.evidence: the subject refused this before it was erased; say what proves that the consent is a new one",
  { fields: [{ field: "origin.evidence", rule: "erased.evidence", message: "must say what proves that the consent is a new one" }] },
);
