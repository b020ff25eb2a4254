import type { UpdatedPreference } from "../core/ports/preference-store.ts";
import type { ChangeEntry, ChangeOrigin, PreferenceChange } from "../core/preferences/change.ts";
import { changeTo, takenBack } from "../core/preferences/choosing.ts";
import { isSameOptOut, type OptOut } from "../core/preferences/opt-out.ts";
import { refusing } from "../core/preferences/refuse.ts";
import type { UnsubscribeClaim } from "../core/preferences/unsubscribe-token.ts";

/** How choices are read and changed; each answer is undefined where the store could not be reached in time. */
export interface PreferenceAccess {
  /** With version 0 where the subject has none yet. */
  get(app: string, subject: string): Promise<UpdatedPreference | undefined>;
  /** Durable when resolved. */
  update(app: string, subject: string, change: PreferenceChange): Promise<UpdatedPreference | undefined>;
  /** Changes before a version, the latest first. */
  history(app: string, subject: string, beforeVersion: number, limit: number): Promise<ChangeEntry[] | undefined>;
}

/** The record after a choice, and whether the choice changed it. Undefined: unknown, because the store could not be reached. */
export type Chosen = { record: UpdatedPreference; changed: boolean } | undefined;

/** `isUndone`: by this request or by an earlier one of the same link. */
export type Undone = (NonNullable<Chosen> & { isUndone: boolean }) | undefined;

/** A change that was made on the page, which its Undo may take back. */
const PAGE_SOURCE = "unsubscribe-page";
const UNDO_SOURCE = "undo";

/** Records what people choose by the links of their mails. Each method may be repeated: what holds already is not written again. */
export function createChoices(preferences: PreferenceAccess) {
  const originOf = ({ notificationId }: UnsubscribeClaim, source: string): ChangeOrigin => ({
    ...{ actor: "recipient", source, evidence: notificationId },
  });

  /** @param by a mail program, or a person on our page */
  async function refuse(claim: UnsubscribeClaim, refused: OptOut, by: "one-click" | typeof PAGE_SOURCE): Promise<Chosen> {
    const { app, subject } = claim;
    const before = await preferences.get(app, subject);
    if (before === undefined) return undefined;
    const change = refusing(before, refused, originOf(claim, by));
    if (change === undefined) return { record: before, changed: false };
    const record = await preferences.update(app, subject, change);
    // Who has as many choices as there may be is obeyed all the same: by a refusal of the channel, which is not limited.
    if (record?.tooMany && refused.category !== "*") return refuse(claim, { ...refused, category: "*" }, by);
    return record && { record, changed: true };
  }

  /** None or one; undefined: the store could not be reached. */
  const lastChange = ({ app, subject }: UnsubscribeClaim) => preferences.history(app, subject, Number.MAX_SAFE_INTEGER, 1);

  /** Whether this link's page made the change. */
  const isOwn = ({ notificationId }: UnsubscribeClaim, { origin }: ChangeEntry, source: string) =>
    origin.source === source && origin.evidence === notificationId;

  /** The version that an Undo of this refusal takes back; undefined: it was not the last change, or not made on this link's page. */
  async function undoable(claim: UnsubscribeClaim, { version }: UpdatedPreference, refused: OptOut): Promise<number | undefined> {
    const [entry] = (await lastChange(claim)) ?? [];
    return entry?.version === version && isOwn(claim, entry, PAGE_SOURCE) && isRefused(entry.after.optOuts, refused) ? version : undefined;
  }

  /** Takes back the change that made this version, where undoable() says so. */
  async function undo(claim: UnsubscribeClaim, version: number): Promise<Undone> {
    const { app, subject } = claim;
    const [before, last] = await Promise.all([preferences.get(app, subject), lastChange(claim)]);
    if (before === undefined || last === undefined) return undefined;
    const [entry] = last;
    const unchanged = (isUndone: boolean) => ({ record: before, changed: false, isUndone });
    // The two may have been read before and after another change.
    if (entry === undefined || entry.version !== before.version) return unchanged(false);
    if (entry.version === version + 1 && isOwn(claim, entry, UNDO_SOURCE)) return unchanged(true);
    if (entry.version !== version || !isOwn(claim, entry, PAGE_SOURCE)) return unchanged(false);
    const change = changeTo(before, takenBack(before, entry), originOf(claim, UNDO_SOURCE));
    if (change === undefined) return unchanged(true);
    const record = await preferences.update(app, subject, change);
    if (record === undefined) return undefined;
    const changed = !record.tooMany && !record.outdated;
    return { record, changed, isUndone: changed };
  }

  return { refuse, undoable, undo };
}

export const isRefused = (optOuts: readonly OptOut[], refused: OptOut): boolean => optOuts.some((choice) => isSameOptOut(choice, refused));
