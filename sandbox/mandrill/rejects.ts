import { type Fields, textOf } from "../kit/read.ts";
import type { Suppressions } from "../kit/suppressions.ts";

/** Mailchimp Transactional: "rejects/list". */
export const MANDRILL_REASONS = ["hard-bounce", "soft-bounce", "spam", "unsub", "custom"] as const;
const LISTED_MAX = 1_000;
/** How long an entry counts, in days: a soft bounce's the shortest, a person's for good. */
const DAYS: Readonly<Record<string, number>> = { "soft-bounce": 1, "hard-bounce": 365 };
const DAY_MS = 86_400_000;

/** Up to 1,000 entries; those that have expired only where they are asked for. */
export function rejectsList(suppressions: Suppressions, { email, include_expired }: Fields, now: number) {
  return suppressions
    .of()
    .map(({ list: reason, email: address, reason: detail, at }) => {
      const expiresAt = DAYS[reason] === undefined ? undefined : at + DAYS[reason] * DAY_MS;
      return {
        ...{ email: address, reason, detail, created_at: stamp(at), last_event_at: stamp(at) },
        ...{ expires_at: expiresAt === undefined ? null : stamp(expiresAt), expired: expiresAt !== undefined && expiresAt <= now },
        ...{ sender: null, subaccount: null },
      };
    })
    .filter((entry) => (textOf(email) === "" || entry.email === email) && (include_expired === true || !entry.expired))
    .slice(0, LISTED_MAX);
}

/** 2026-01-05 12:00:00, UTC. */
const stamp = (at: number) => new Date(at).toISOString().slice(0, 19).replace("T", " ");
