import { type Block, blockKey, isSameBlock } from "./block.ts";
import { choiceKey, isTooMany, lacking, noPreferences, OPT_OUTS_MAX, type OptOut, type PreferenceRecord } from "./opt-out.ts";

/** Who changed preferences, how it came, and what proves it. */
export interface ChangeOrigin {
  /** A person or program; absent: the app. */
  actor?: string | undefined;
  /** For example "preference-page", "one-click", "inbound-sms", "bounce", "import". */
  source?: string | undefined;
  evidence?: string | undefined;
}

/** A change of one subject. All of it is applied, or nothing. */
export interface PreferenceChange {
  /** Refusals to add; each removes the consent of exactly this channel and category. One with an end leaves it: the consent counts again afterwards. */
  optOut?: readonly OptOut[];
  /** Consents to add; each removes the refusal of exactly this channel and category. One that is in optOut too, without an end, is left out. */
  consent?: readonly OptOut[];
  /** Choices to forget, of exactly this channel and category. */
  forget?: readonly OptOut[];
  block?: readonly Block[];
  /** Blocks to end: those of the same kind, sender and classes, unless they are later. */
  lift?: readonly Block[];
  /** Only of this version: where the record has another by now, nothing is written. Absent: whatever the version. */
  ifVersion?: number;
  origin: ChangeOrigin;
}

/** Whether a change is about a version that the record does not have any more. */
export const isOutdated = ({ ifVersion }: PreferenceChange, record: PreferenceRecord | undefined): boolean =>
  ifVersion !== undefined && ifVersion !== (record?.version ?? 0);

/** What a subject chose, and what blocks it. */
export interface PreferenceState {
  optOuts: OptOut[];
  consents: OptOut[];
  blocks: Block[];
}

/** One change as the history keeps it: of choices and blocks those that differ. */
export interface ChangeEntry {
  app: string;
  subject: string;
  version: number;
  /** ms since the epoch. */
  at: number;
  origin: ChangeOrigin;
  before: PreferenceState;
  after: PreferenceState;
}

/** A record, and the change that made this version, for the history. */
export interface ChangedRecord extends PreferenceRecord {
  lastChange: ChangeEntry;
}

/**
 * The record after a change; undefined where it would have too many choices. Pure. A change that changes nothing is a version, too.
 * @param given.floor a new record's version is above it; absent: 0
 */
export function applyChange(
  before: PreferenceRecord | undefined,
  {
    app,
    subject,
    change,
    now,
    floor = 0,
  }: { app: string; subject: string; change: PreferenceChange; now: number; floor?: number | undefined },
): ChangedRecord | undefined {
  const { optOut = [], forget = [], block = [], lift = [] } = change;
  const forGood = optOut.filter(({ until }) => until === undefined);
  const consent = without(change.consent ?? [], forGood);
  const was = stateOf(before ?? noPreferences(app, subject));
  const optOuts = merge(was.optOuts, optOut, [...forget, ...consent], choiceKey);
  const consents = merge(was.consents, consent, [...forget, ...forGood], choiceKey);
  // One that came after the lifting was decided stays.
  const lifted = was.blocks.filter((b) => lift.some((l) => isSameBlock(b, l) && b.at <= l.at));
  const blocks = merge(was.blocks, block, lifted, blockKey);
  if (isTooMany([...was.optOuts, ...was.consents], [...optOuts, ...consents])) return undefined;
  const version = (before?.version ?? floor) + 1;
  const is = { optOuts, consents, blocks };
  const withdrawn = without(merge(before?.withdrawn ?? [], was.consents, consents, choiceKey), consents).slice(-OPT_OUTS_MAX);
  const lastChange: ChangeEntry = { app, subject, version, at: now, origin: change.origin, before: less(was, is), after: less(is, was) };
  return { app, subject, version, ...is, ...(withdrawn.length > 0 && { withdrawn }), updatedAt: now, lastChange };
}

export const stateOf = ({ optOuts, consents, blocks }: PreferenceRecord): PreferenceState => ({ optOuts, consents, blocks });

/** What is added counts more than what is removed, and the last of what is added more than the same before it. */
function merge<T>(now: readonly T[], added: readonly T[], removed: readonly T[], keyOf: (item: T) => string): T[] {
  const lastAt = new Map(added.map((item, i) => [keyOf(item), i]));
  const gone = new Set(removed.map(keyOf));
  const kept = now.filter((item) => !lastAt.has(keyOf(item)) && !gone.has(keyOf(item)));
  return [...kept, ...added.filter((item, i) => lastAt.get(keyOf(item)) === i)];
}

function without(choices: readonly OptOut[], others: readonly OptOut[]): OptOut[] {
  const known = new Set(others.map(choiceKey));
  return choices.filter((choice) => !known.has(choiceKey(choice)));
}

/** What of the one state the other lacks. */
const less = (a: PreferenceState, b: PreferenceState): PreferenceState => ({
  optOuts: lacking(a.optOuts, b.optOuts),
  consents: lacking(a.consents, b.consents),
  blocks: a.blocks.filter((item) => !b.blocks.includes(item)),
});
