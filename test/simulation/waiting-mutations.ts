import type { Mutation } from "./mutation.ts";

/** Defects of what has a delivery wait, end, or begin again: quiet hours, operators' pauses and redrives, frequency caps, and callers that cancel. */
export const WAITING_MUTATIONS: readonly Mutation[] = [
  {
    ...{ name: "quiet hours not asked for at dispatch", file: "dispatchers/admission.ts" },
    find: 'if (time?.kind === "closed") return deferral(task, time.until, "quiet-hours");',
    replace: "",
  },
  {
    ...{ name: "quiet hours end too early", file: "core/preferences/quiet-hours.ts", begin: 30 },
    find: "if (from <= at && at < until) end = until;",
    replace: "if (from <= at && at + 600_000 < until) end = until;",
  },
  {
    ...{ name: "pauses of channels, classes and apps ignored", file: "core/steering/steering.ts" },
    find: "if (steering.length === 0) return undefined;",
    replace: "if (steering.length >= 0) return undefined;",
  },
  {
    ...{ name: "pauses of accounts ignored", file: "core/steering/steering.ts" },
    find: "if (steering.length === 0) return OPEN;",
    replace: "if (steering.length >= 0) return OPEN;",
  },
  {
    ...{ name: "what is paused read too seldom", file: "core/steering/steering.ts" },
    find: "export const STEERING_READ_MS = 2_000;\nexport const STEERING_FRESH_MS = 4_000;",
    replace: "export const STEERING_READ_MS = 60_000;\nexport const STEERING_FRESH_MS = 60_000;",
  },
  {
    ...{ name: "resumption forgets what waits", file: "relay/resume.ts" },
    find: 'if (d.reason?.code !== "paused") return false;',
    replace: "if (n.id.length > 0) return false;",
  },
  {
    ...{ name: "deferred without a write", file: "dispatchers/dispatch.ts" },
    find: "await writer.deferTo(task, admission);",
    replace: "",
  },
  {
    ...{ name: "cap not asked", file: "dispatchers/admission.ts" },
    find: "const cap = await parts.checkCap?.(task);",
    replace: "const cap = undefined;",
  },
  {
    ...{ name: "place of a cap given beyond its number", file: "test/simulation/memory-caps.ts" },
    find: "if (taken.size >= place.max) return false;",
    replace: "",
  },
  {
    ...{ name: "answered as cancelled before the number is closed", file: "core/delivery/cancel.ts", begin: 29 },
    find: "const claims = await claim(store, own);",
    replace: 'const claims = own.map(() => "ours");\n  void claim(store, own).catch(() => undefined);',
  },
  {
    ...{ name: "next number of what is in flight not closed", file: "core/delivery/cancel.ts", begin: 29 },
    find: "const nextClaims = await claim(store, following);",
    replace: 'const nextClaims = following.map(() => "ours");',
  },
  {
    ...{ name: "cancelled although an earlier attempt may have been sent", file: "core/delivery/void-attempt.ts", begin: 165 },
    find: 'outcome.state === "cancelled" && mayHaveGone(d) ? UNKNOWN : outcome',
    replace: "outcome",
  },
  {
    ...{ name: "redrive of what may have been sent not counted", file: "operations/dead-letters/dead-letters.ts" },
    find: "redrive: mayHaveBeenSent ? (d.redrive ?? 0) + 1 : undefined,",
    replace: "redrive: undefined,",
  },
  {
    ...{ name: "redrive repeats what may have been sent without being told to", file: "operations/dead-letters/dead-letters.ts" },
    find: "const mayHaveBeenSent = attempts.some(mayBeSent);",
    replace: 'const mayHaveBeenSent = attempts.some((a) => mayBeSent(a) && a.outcome?.kind === "accepted");',
  },
];
