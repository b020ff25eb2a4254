import { EVERYTHING, type OptOut, type PreferenceRecord } from "../../core/preferences/opt-out.ts";

// What the sets in Redis hold of a record.

/** The opt-outs that the sets hold of a record; a block counts as an opt-out of everything, because it may be about any channel and category. */
export const refusalsOf = ({ optOuts, blocks }: Pick<PreferenceRecord, "optOuts" | "blocks">): readonly OptOut[] =>
  blocks.length === 0 ? optOuts : [...optOuts, EVERYTHING];

/** Opt-outs that had ended before this moment, as pauses do; ms since the epoch. */
export const endedOptOuts = ({ optOuts }: PreferenceRecord, before: number) =>
  optOuts.filter(({ until }) => until !== undefined && until < before);

/** One that ends by itself would be found after its end. */
export const lastingConsents = ({ consents }: PreferenceRecord) => consents.filter(({ until }) => until === undefined);
/** What must not be found any more. */
export const endedConsents = ({ consents, withdrawn = [] }: PreferenceRecord) => [
  ...withdrawn,
  ...consents.filter(({ until }) => until !== undefined),
];
