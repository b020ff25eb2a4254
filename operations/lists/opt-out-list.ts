import { unlessAway } from "../../adapters/store/store-error.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import { endOf, isSameOptOut, type OptOut, type PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { isTombstone, refusalsAgainst } from "../../core/preferences/tombstone.ts";
import { applyToSubjects, type PreferenceTarget, type SubjectPlan } from "./apply-to-subjects.ts";
import type { CheckEndpoint } from "./endpoint-columns.ts";
import type { Applied, ListKind } from "./import-list.ts";
import { faulty, type Parsed, type Row, type RowFault, TIME_RULE, timeOf } from "./row.ts";
import { readSubject, SUBJECT_COLUMNS, subjectRow } from "./subject-columns.ts";

export const OPT_OUT_COLUMNS = [...SUBJECT_COLUMNS, "choice", "channel", "category", "until"] as const;

/** A refusal or a consent of one subject. */
interface ListedChoice {
  subject: string;
  isConsent: boolean;
  optOut: OptOut;
}

/** As in the contract. */
const CATEGORY = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * Refusals and consents. A file is old news: what it says never takes a refusal back. So a consent is rejected where it would count more than a refusal that has
 * not ended, of exactly its channel and category or a wider one; and a refusal that ends leaves one that ends later as it is.
 * @param isErased whether the subject was erased and had refused what it consents to now; rejects with the store's error
 * @param requiredOf of some categories those that nobody can choose about; undefined: it cannot be read
 */
export function optOutList(parts: {
  target: PreferenceTarget;
  requiredOf: (categories: readonly string[]) => Promise<ReadonlySet<string> | undefined>;
  isErased: (subject: string, consent: OptOut) => Promise<boolean>;
  checkEndpoint: CheckEndpoint;
  now: () => number;
}): ListKind<ListedChoice> {
  const { target, requiredOf, isErased, checkEndpoint, now } = parts;
  return {
    name: "opt-outs",
    columns: OPT_OUT_COLUMNS,
    parse: (row) => parse(row, checkEndpoint, now()),
    async apply(items, source) {
      const required = await requiredOf([...new Set(items.map(({ item }) => item.optOut.category))].filter((category) => category !== "*"));
      if (!required) return items.map(() => "unanswered");
      const asked = await Promise.all(items.map(({ item }) => (item.isConsent ? unlessAway(isErased(item.subject, item.optOut)) : false)));
      const left = [...items.keys()].filter((i) => asked[i] === false);
      const plan = (record: PreferenceRecord, choices: readonly ListedChoice[]) => planChoices(record, choices, { required, now: now() });
      const applied = await applyToSubjects(
        target,
        left.map((i) => items[i]!),
        source,
        plan,
      );
      const answers: Applied[] = asked.map((erased) => (erased ? ERASED : "unanswered"));
      for (const [n, i] of left.entries()) answers[i] = applied[n]!;
      return answers;
    },
  };
}

function parse(row: Row, checkEndpoint: CheckEndpoint, now: number): Parsed<ListedChoice> {
  const subject = readSubject(row, checkEndpoint);
  if (subject.kind === "faults") return subject;
  const { choice = "opt_out", channel = "*", category = "*", until } = row;
  if (choice !== "opt_out" && choice !== "consent") return faulty("choice", "enum.defined_only", "must be opt_out or consent");
  if (channel !== "*" && !CHANNELS.some((c) => c === channel))
    return faulty("channel", "enum.defined_only", `must be * or one of ${CHANNELS.join(", ")}`);
  if (category !== "*" && !CATEGORY.test(category))
    return faulty(
      "category",
      "string.pattern",
      "must be * or 1 to 64 lower-case letters, digits, dots, dashes and underscores, beginning with a letter or digit",
    );
  const end = until === undefined ? undefined : timeOf(until);
  if (until !== undefined && end === undefined) return faulty("until", "timestamp", TIME_RULE);
  if (end !== undefined && end <= now) return faulty("until", "timestamp.gt_now", "must be in the future");
  const optOut: OptOut = { channel: channel as Channel | "*", category, ...(end !== undefined && { until: end }) };
  return { kind: "item", item: { subject: subject.item, isConsent: choice === "consent", optOut } };
}

const ERASED: readonly RowFault[] = [
  {
    field: "choice",
    rule: "erased",
    message: "the subject was erased, and had refused this; a consent that is newer takes UpdatePreferences with evidence",
  },
];

const OPTED_OUT: readonly RowFault[] = [
  {
    field: "choice",
    rule: "consent.opted_out",
    message: "the subject opted out of this, or of more than this, and a list does not take that back",
  },
];

/** Pure. */
function planChoices(
  record: PreferenceRecord,
  items: readonly ListedChoice[],
  { required, now }: { required: ReadonlySet<string>; now: number },
): SubjectPlan {
  // What there is after each record, and what of it is new.
  let refused: readonly OptOut[] = record.optOuts;
  let consented: readonly OptOut[] = record.consents;
  let optOut: readonly OptOut[] = [];
  let consent: readonly OptOut[] = [];
  const answers = items.map(({ optOut: given, isConsent }): Applied => {
    if (required.has(given.category))
      return [{ field: "category", rule: "category.required", message: "the category is required, so nobody can choose about it" }];
    const same = (c: OptOut) => isSameOptOut(c, given);
    const put = (choices: readonly OptOut[]) => [...without(choices), given];
    const without = (choices: readonly OptOut[]) => choices.filter((c) => !same(c));
    const before = (isConsent ? consented : refused).find(same);
    if (before && endOf(before) >= endOf(given)) return "unchanged";
    if (isConsent && refused.some((refusal) => endOf(refusal) > now && takesBack(given, refusal))) return OPTED_OUT;
    if (isConsent) [consented, consent] = [put(consented), put(consent)];
    else {
      [refused, optOut] = [put(refused), put(optOut)];
      // Also one of the same file. After a refusal that ends, it counts again.
      if (given.until === undefined) [consented, consent] = [without(consented), without(consent)];
    }
    return "changed";
  });
  return { change: { optOut, consent }, answers };
}

/** Whether a consent counts more than a refusal for something that both are about: a narrower refusal stays in force beside it. */
const takesBack = (consent: OptOut, refusal: OptOut) =>
  refusalsAgainst([refusal], [consent]).length > 0 && widthOf(consent) <= widthOf(refusal);

/** In the order of choicesThatApply(). */
const widthOf = ({ channel, category }: OptOut) => (category === "*" ? 2 : 0) + (channel === "*" ? 1 : 0);

/**
 * Every choice of an app that has not ended. Of a subject the consents come first, since an import rejects a consent after a wider refusal. Endpoints are named
 * by id: the store knows no addresses.
 */
export async function* optOutRows(preferences: Pick<PreferenceStore, "changedSince">, app: string, now: number): AsyncGenerator<Row> {
  for await (const { app: of, subject, optOuts, consents } of preferences.changedSince(0)) {
    if (of !== app || isTombstone(subject)) continue;
    for (const [choice, choices] of [
      ["consent", consents],
      ["opt_out", optOuts],
    ] as const)
      for (const { channel, category, until } of choices)
        if (until === undefined || until > now)
          yield { ...subjectRow(subject), choice, channel, category, ...(until !== undefined && { until: new Date(until).toISOString() }) };
  }
}
