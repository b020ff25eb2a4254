import type { OptOutAnswer, OptOutQuestion } from "../../core/ports/opt-outs.ts";
import { refusalOf } from "../../core/preferences/answer.ts";
import type { CategoryDefault } from "../../core/preferences/category.ts";
import type { PreferenceState } from "../../core/preferences/change.ts";
import type { SubjectReading } from "./process-cache.ts";

const NOTHING: PreferenceState = { optOuts: [], consents: [], blocks: [] };

/** What is known for one question. */
export interface Read {
  question: OptOutQuestion;
  /** Undefined: it could not be read. */
  default: CategoryDefault | undefined;
  /** One for each subject; undefined: it could not be read. */
  readings: readonly (SubjectReading | undefined)[];
  /** Redis holds a refusal of one of them. */
  isSuspect: boolean;
}

/** One subject that refuses is enough; "allowed" needs an answer for every subject. Pure. */
export function answerOf({ question, default: own, readings, isSuspect }: Read, now: number): OptOutAnswer {
  const read = readings.filter((reading) => reading !== undefined);
  const states = read.map((reading) => (typeof reading === "string" ? stateFrom(reading, question) : reading));
  // Whatever the default is, a block holds.
  const refusal = refusalOf(states, { ...question, default: own ?? "required" }, now);
  const isWhole = readings.length > 0 && read.length === readings.length && own !== undefined;
  // As a refusal in Redis, a choice that is known counts under any default but "required".
  const isRefused = own === undefined && refusalOf(states, { ...question, default: "opted-in" }, now) !== undefined;
  if (refusal === undefined) return isWhole ? "allowed" : unread(question, own, isSuspect || isRefused);
  if (refusal !== "no-consent") return refusal;
  // A subject of which only refusals are known may have consented.
  return isWhole && !read.includes("none") ? refusal : unread(question, own, isSuspect);
}

/** As far as it is about this question. */
const stateFrom = (reading: "none" | "consented", { channel, category }: OptOutQuestion): PreferenceState =>
  reading === "none" ? NOTHING : { ...NOTHING, consents: [{ channel, category }] };

/**
 * What is critical is sent where preferences stay unreadable, unless Redis or a record that was read holds a refusal. Everything else waits: that refusal
 * may have ended, or a consent may override it.
 */
const unread = ({ notificationClass }: OptOutQuestion, own: CategoryDefault | undefined, isSuspect: boolean): OptOutAnswer =>
  isSuspect && notificationClass === "critical" && own !== "required" ? "opted-out" : "unknown";
