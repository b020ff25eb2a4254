import { hideEndpoints } from "../delivery/hide-endpoints.ts";
import type { Refusal } from "./answer.ts";
import { type Block, COMPLAINT_CLASSES, isSameBlock, REASON_MAX } from "./block.ts";
import type { PreferenceChange } from "./change.ts";
import type { PreferenceRecord } from "./opt-out.ts";
import { refusing } from "./refuse.ts";

/**
 * What a provider tells about those it sends to:
 * - stop: the person answered STOP, and the provider sends them no text from this sender;
 * - complaint: the person reported a mail as spam;
 * - unsubscribe: the person unsubscribed by a way of the provider's own;
 * - bounce: the address does not exist.
 */
export const LEARNED_KINDS = ["stop", "complaint", "unsubscribe", "bounce"] as const;
export type LearnedKind = (typeof LEARNED_KINDS)[number];

export interface Learned {
  kind: LearnedKind;
  /** The provider's code or words. */
  reason: string;
}

/** The reason of a delivery that ended for it. */
export const REASON_OF_LEARNED: Readonly<Record<LearnedKind, Refusal>> = {
  stop: "stopped",
  complaint: "complained",
  unsubscribe: "opted-out",
  bounce: "bounced",
};

/** Of what was sent when the provider told it. */
export interface LearnedOf {
  provider: string;
  /** Of a text: the name of its sender, "" the default; undefined: it is not known, or not a text. */
  pool: string | undefined;
  category: string;
  attemptId: string;
  /** ms since the epoch. */
  at: number;
}

/**
 * What follows for preferences. An unsubscription is a choice, of the user where the notification was to one; everything else is a block of the
 * endpoint. stillToDo() makes it fit a record. Pure.
 */
export function learnedChange(learned: Learned, of: LearnedOf): { about: "endpoint" | "user"; change: PreferenceChange } {
  const reason = withoutAddresses(learned.reason);
  const origin = { actor: of.provider, source: SOURCES[learned.kind], evidence: `${of.attemptId}: ${reason}` };
  if (learned.kind === "unsubscribe") return { about: "user", change: { optOut: [{ channel: "email", category: of.category }], origin } };
  const block: Block = { ...blockFields(learned.kind, of.pool), reason, source: of.provider, at: of.at };
  return { about: "endpoint", change: { block: [block], origin } };
}

const SOURCES: Readonly<Record<LearnedKind, string>> = {
  stop: "provider-opt-out",
  complaint: "complaint",
  unsubscribe: "provider-unsubscribe",
  bounce: "bounce",
};

function blockFields(kind: Exclude<LearnedKind, "unsubscribe">, pool: string | undefined): Pick<Block, "kind" | "pool" | "classes"> {
  if (kind === "stop") return { kind, pool };
  return kind === "complaint" ? { kind, classes: [...COMPLAINT_CLASSES] } : { kind };
}

/**
 * What of a learned change is still to be done to a record: a block that is new, or a refusal, with the consents that would count more. Undefined: it is known
 * already. Pure.
 */
export function stillToDo(record: PreferenceRecord, change: PreferenceChange): PreferenceChange | undefined {
  const { block = [], optOut: [refused] = [], origin } = change;
  if (refused !== undefined) return refusing(record, refused, origin);
  return block.every((one) => record.blocks.some((other) => isSameBlock(one, other))) ? undefined : change;
}

/** Providers quote the server's answer, which names the mailbox: the record knows it by its hash alone. At most REASON_MAX characters. */
export const withoutAddresses = (reason: string): string =>
  hideEndpoints(reason.slice(0, 4 * REASON_MAX))
    .replace(/\+?\d{7,}/g, "…")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, REASON_MAX)
    // Half of a character is no JSON for many who are told of it.
    .replace(/[\ud800-\udbff]$/, "");
