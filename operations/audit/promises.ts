import { notificationIdOf } from "../../core/ports/attempt-store.ts";
import { type Broken, CRITICAL_MS, type RecentAudit } from "./recent-audit.ts";
import { OPT_OUT_PROVEN_MS } from "./recent-opt-outs.ts";

/** A promise as it was kept lately, in words. */
export interface RecentPromise {
  title: string;
  /** unchecked: nothing is claimed. */
  state: "held" | "broken" | "unchecked";
  /** It is broken, and what breaks it is still so: it is not over. */
  isBrokenNow: boolean;
  /** With the figures that prove it. */
  words: string;
  /** Ids of notifications that break it. */
  examples: readonly string[];
}

const TITLES = [
  "Nothing accepted is lost",
  "Nothing is sent twice",
  "Nothing goes to an opt-out",
  `Critical is tried within ${CRITICAL_MS / 1_000} s`,
] as const;

/** The promises in a fixed order, with what was counted. What was not checked claims nothing. Pure. */
export function promisesOf(audit: RecentAudit | undefined): RecentPromise[] {
  if (audit === undefined) return TITLES.map((title) => unchecked(title, "Being checked"));
  const { deliveries, ended, open, attempts, repeated, lost, twice, optOuts, critical } = audit;
  const none = "Nothing was accepted";
  return [
    promise(TITLES[0], {
      ...{ checked: deliveries, isOpen: true, ...lost, none },
      words: `${counted(deliveries)} accepted = ${counted(ended)} ended + ${counted(open)} open, each with its next step`,
      brokenWords: `${counted(lost.broken)} of ${counted(deliveries)} deliveries have neither ended nor a next step`,
    }),
    promise(TITLES[1], {
      ...{ checked: deliveries, isOpen: false, ...twice, none },
      words: `0 second sends in ${counted(attempts)} attempts; ${counted(repeated)} repeated by policy`,
      brokenWords: `${counted(twice.broken)} of ${counted(deliveries)} deliveries were sent a second time, or count as sent without an attempt that says so`,
    }),
    promise(TITLES[2], {
      ...{ isOpen: false, ...optOuts, none: "No send could be compared" },
      words: `${counted(optOuts.broken)} of ${counted(optOuts.checked)} sends began more than ${OPT_OUT_PROVEN_MS / 1_000} s after one${optOuts.undecided > 0 ? `; ${counted(optOuts.undecided)} cannot be told: choices changed since` : ""}. Critical is not counted`,
    }),
    promise(TITLES[3], {
      ...{ isOpen: critical.waiting > 0, ...critical, none: "Nothing critical was due" },
      words: `${counted(critical.checked)} of ${counted(critical.checked)} deliveries`,
      brokenWords: `${counted(critical.broken)} of ${counted(critical.checked)} deliveries were not; ${counted(critical.waiting)} of these still ${critical.waiting === 1 ? "waits for its" : "wait for their"} first attempt`,
    }),
  ];
}

interface Facts extends Broken {
  checked: number;
  /** Of one that is broken: what breaks it is still so. */
  isOpen: boolean;
  words: string;
  /** Absent: the same. */
  brokenWords?: string;
  /** Where there was nothing to check. */
  none: string;
}

function promise(title: string, { checked, broken, isOpen, words, brokenWords = words, none, examples }: Facts): RecentPromise {
  if (checked === 0) return unchecked(title, none);
  if (broken === 0) return { title, state: "held", isBrokenNow: false, words, examples: [] };
  return { title, state: "broken", isBrokenNow: isOpen, words: brokenWords, examples: [...new Set(examples.map(notificationIdOf))] };
}

const unchecked = (title: string, words: string): RecentPromise => ({
  ...{ title, state: "unchecked", isBrokenNow: false, words, examples: [] },
});

const counted = (count: number) => count.toLocaleString("en");
