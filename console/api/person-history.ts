import type { ChangeEntry, PreferenceState } from "../../core/preferences/change.ts";
import { userIdOf } from "../../core/preferences/opt-out.ts";
import type { HistoryEntry } from "../person-view.ts";
import { scopeWords } from "./person-matrix.ts";

/** How much of free texts is shown: nothing, with addresses hidden, or all. */
export type Sight = "none" | "masked" | "all";

/** Digits of the shortest phone number that is hidden: tickets, times and codes of providers are shorter. */
const NUMBER_DIGITS_MIN = 8;
/** An id of a notification, a date with or without an hour: these name nobody. */
const NO_NUMBER = /^([0-9a-f]{32}|\d{4}-\d\d-\d\d( \d\d)?)$/;

/** Free text without what looks like an address or a phone number. */
export const hideAddresses = (text: string): string =>
  text
    .replaceAll(/[^\s<>"',;:()]+@[^\s<>"',;:()]+/g, "…@…")
    .replaceAll(/\b[0-9a-f]{32}\b|\+?\d[\d ()./-]+\d/g, (found) =>
      found.replaceAll(/\D/g, "").length < NUMBER_DIGITS_MIN || NO_NUMBER.test(found) ? found : "…",
    );

const seen = (text: string | undefined, sight: Sight) =>
  text === undefined || sight === "none" ? "" : sight === "masked" ? hideAddresses(text) : text;

/** One change in words. @param endpoint masked, of a change of an endpoint */
export function historyEntry(entry: ChangeEntry, endpoint: string, sight: Sight): HistoryEntry {
  const { at, version, subject, before, after, origin } = entry;
  const isBlock = after.blocks.length > 0;
  const lines = [...stateWords(after, sight), ...removedWords(before, after)];
  return {
    ...{ at, version, endpoint: userIdOf(subject) === undefined ? endpoint : "" },
    changes: lines.length === 0 ? ["nothing changed"] : lines,
    mark: isBlock ? "bad" : "",
    // A colleague, a program, or the person, whose id this role sees.
    actor: sight === "none" ? "" : (origin.actor ?? ""),
    source: seen(origin.source, sight === "none" ? "masked" : sight),
    evidence: seen(origin.evidence, sight),
  };
}

function stateWords(after: PreferenceState, sight: Sight): string[] {
  return [
    ...after.blocks.map(({ kind, pool, classes, source, reason }) =>
      [
        `blocked: ${kind}`,
        pool === undefined ? "" : `, of the sender ${pool || "by default"}`,
        classes ? `, for ${classes.join(" and ")}` : "",
        ` (${[source, seen(reason, sight)].filter(Boolean).join(": ")})`,
      ].join(""),
    ),
    ...after.optOuts.map((choice) => `${scopeWords(choice)}: opted out`),
    ...after.consents.map((choice) => `${scopeWords(choice)}: opted in`),
  ];
}

/** What a change took away and did not replace. */
function removedWords(before: PreferenceState, after: PreferenceState): string[] {
  const now = new Set([...after.optOuts, ...after.consents].map(({ channel, category }) => `${channel} ${category}`));
  const isGone = ({ channel, category }: { channel: string; category: string }) => !now.has(`${channel} ${category}`);
  return [
    ...before.blocks.filter((b) => !after.blocks.some((a) => a.kind === b.kind)).map(({ kind }) => `block lifted: ${kind}`),
    ...before.optOuts.filter(isGone).map((choice) => `${scopeWords(choice)}: opt-out undone`),
    ...before.consents.filter(isGone).map((choice) => `${scopeWords(choice)}: opt-in withdrawn`),
  ];
}
