import { isSameOptOut, type OptOut, type PreferenceRecord } from "./opt-out.ts";

// Of who was erased the refusals are kept under a hash of the subject (a tombstone), so that neither an import nor a registration brings the person back as
// opted in. Each holds until a consent to exactly that comes with evidence that it is a new one.

const TOMBSTONE = "erased:";
const RESTORATION = "restored:";

/** @param hash of the subject, with the installation's key */
export const tombstoneSubject = (hash: string): string => `${TOMBSTONE}${hash}`;
/** Of the record that says that a tombstone's refusals were restored since. @param hash as above */
export const restorationSubject = (hash: string): string => `${RESTORATION}${hash}`;
/** Of either record: it names nobody. */
export const isTombstone = (subject: string): boolean => subject.startsWith(TOMBSTONE) || subject.startsWith(RESTORATION);

/** What a tombstone keeps of a record: refusals that still say something. */
export const refusalsToKeep = ({ optOuts }: Pick<PreferenceRecord, "optOuts">, now: number): OptOut[] =>
  optOuts.filter(({ until }) => until === undefined || until > now);

/** Those of the refusals that a choice for being notified goes against: they cover something that it covers. */
export const refusalsAgainst = (refusals: readonly OptOut[], choices: readonly OptOut[]): OptOut[] =>
  refusals.filter((refusal) => choices.some((choice) => meet(refusal.channel, choice.channel) && meet(refusal.category, choice.category)));

/** Those of the refusals that such a choice ends: of exactly its channel and category. A wider one still holds for everything else. */
export const refusalsEndedBy = (refusals: readonly OptOut[], choices: readonly OptOut[]): OptOut[] =>
  refusals.filter((refusal) => choices.some((choice) => isSameOptOut(refusal, choice)));

const meet = (a: string, b: string) => a === "*" || b === "*" || a === b;
