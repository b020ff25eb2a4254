/** Reasons may carry a provider's own words; beyond so many, what is new is counted together. */
const REASONS_MAX = 200;
const OTHER = "(other reasons)";

/** How often each reason was given, in bounded memory. */
export type ReasonCount = Map<string, number>;

export function countReason(counts: ReasonCount, reason: string): void {
  const known = counts.has(reason) || counts.size < REASONS_MAX ? reason : OTHER;
  counts.set(known, (counts.get(known) ?? 0) + 1);
}
