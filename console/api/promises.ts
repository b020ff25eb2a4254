import { notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { Broken, RecentAudit } from "../../operations/audit/recent-audit.ts";
import { CRITICAL_MS } from "../../operations/audit/recent-audit.ts";
import { OPT_OUT_PROVEN_MS } from "../../operations/audit/recent-opt-outs.ts";
import type { PromiseNow } from "../view-now.ts";

const TITLES = [
  "Nothing accepted is lost",
  "Nothing is sent twice",
  "Nothing goes to an opt-out",
  `Critical is tried within ${CRITICAL_MS / 1_000} s`,
] as const;

/** The promises in a fixed order, with what was counted. What was not checked claims nothing. Pure. */
export function promisesOf(audit: RecentAudit | undefined): PromiseNow[] {
  if (audit === undefined) return TITLES.map((title) => unchecked(title, "Being checked"));
  const { deliveries, ended, open, attempts, repeated, lost, twice, optOuts, critical } = audit;
  const none = "Nothing was accepted";
  const count = (n: number) => n.toLocaleString("en");
  return [
    promise(
      TITLES[0],
      deliveries,
      lost,
      `${count(deliveries)} accepted = ${count(ended)} ended + ${count(open)} open, each with its next step`,
      none,
    ),
    promise(
      TITLES[1],
      deliveries,
      twice,
      `${count(twice.broken)} second sends in ${count(attempts)} attempts; ${count(repeated)} repeated by policy`,
      none,
    ),
    promise(
      TITLES[2],
      optOuts.checked,
      optOuts,
      `${count(optOuts.broken)} of ${count(optOuts.checked)} sends began more than ${OPT_OUT_PROVEN_MS / 1_000} s after one${optOuts.undecided > 0 ? `; ${count(optOuts.undecided)} cannot be told: choices changed since` : ""}. Critical is not counted`,
      "No send could be compared",
    ),
    promise(
      TITLES[3],
      critical.checked,
      { broken: critical.late, examples: [] },
      `${count(critical.checked - critical.late)} of ${count(critical.checked)}`,
      "Nothing critical was due",
    ),
  ];
}

function promise(title: string, checked: number, { broken, examples }: Broken, words: string, none: string): PromiseNow {
  if (checked === 0) return unchecked(title, none);
  return { title, state: broken === 0 ? "held" : "broken", words, examples: [...new Set(examples.map(notificationIdOf))] };
}

const unchecked = (title: string, words: string): PromiseNow => ({ title, state: "unchecked", words, examples: [] });
