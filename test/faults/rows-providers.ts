// Providers: silent after they took it, cut off, failing, dripping, throttling, away.
import { setTimeout as delay } from "node:timers/promises";
import type { FaultAction, ProviderName } from "../../sandbox/main.ts";
import { happened, type Row } from "./row.ts";
import { LINE_PROVIDERS, type World } from "./world.ts";

const ALL: readonly ProviderName[] = ["apns", "fcm", "webpush", "twilio", "vonage", "sendgrid", "mandrill"];
/** Orders stand until they are cleared. */
const ALWAYS = 100_000;
/** Part of a delivery's id, of which the first 32 characters are hexadecimal: about one in eight has it, and more where the recipient does. */
const SOME = "a7";
const FAULT_MS = 6_000;

/** What the ledger holds since then with this answer; without one, what the order met. */
const answered = ({ sandbox }: World, since: number, answer: string | undefined, match = "") =>
  sandbox.ledger
    .entries({ since })
    .filter((e) => (answer === undefined ? e.recipient.includes(match) || e.deliveryId.includes(match) : e.answer === answer)).length;

function row(
  name: string,
  about: string,
  action: (provider: ProviderName) => FaultAction,
  { answer, match, ms = FAULT_MS, what }: { answer?: string; match?: string; ms?: number; what: string },
): Row {
  return {
    name,
    about,
    async inject(world) {
      const since = Date.now();
      for (const provider of ALL)
        world.sandbox.faults.order({ provider, times: ALWAYS, do: action(provider), ...(match ? { match } : {}) });
      await delay(ms);
      world.sandbox.faults.clear();
      return happened(answered(world, since, answer, match), what);
    },
  };
}

const isHttp2 = (provider: ProviderName) => provider === "apns" || provider === "fcm";

const BROKEN_INSIDE: Partial<Record<ProviderName, unknown>> = {
  apns: { reason: "InternalServerError" },
  fcm: { error: { code: 500, status: "INTERNAL", message: "Internal error encountered." } },
};

export const PROVIDER_ROWS: readonly Row[] = [
  row("provider-timeout", "providers: some sends are taken and never answered", () => ({ kind: "no-answer" }), {
    ...{ answer: "no answer", match: SOME, what: "sends taken and never answered" },
  }),
  row("provider-late", "providers: some sends are taken and answered a second after the deadline", () => ({ kind: "delay", ms: 3_000 }), {
    ...{ match: SOME, what: "sends taken and answered late" },
  }),
  row(
    "provider-reset",
    "providers: some sends are taken, and the stream or connection is reset after the body; FCM's connection goes with all on it",
    (provider) => (provider === "fcm" ? { kind: "goaway" } : { kind: "cut-after" }),
    { answer: "cut after", match: SOME, what: "sends taken and cut off" },
  ),
  row(
    "provider-5xx",
    "providers: some sends are taken and answered 500, in the provider's own words",
    (provider) => ({ kind: "answer", status: 500, body: BROKEN_INSIDE[provider] ?? {}, accepted: true }),
    { answer: "500 ordered", match: SOME, what: "sends taken and answered 500" },
  ),
  row(
    "provider-429",
    "providers: everything is answered 429, with Retry-After of a second, for 6 s",
    (provider) => ({
      kind: "answer",
      status: 429,
      headers: { "retry-after": "1" },
      body: provider === "apns" ? { reason: "TooManyRequests" } : {},
    }),
    { answer: "429 ordered", what: "sends answered 429" },
  ),
  row(
    "provider-down",
    "providers: every one of them cuts everything off before reading it, for 6 s",
    (provider) => ({ kind: "cut-before", ...(isHttp2(provider) ? { code: 7 } : {}) }),
    { answer: "cut before", what: "sends cut off unread" },
  ),
  {
    name: "provider-drip",
    about: "providers: the lines let 150 bytes a second through for 6 s, each way",
    async inject({ lines }) {
      const count = () => LINE_PROVIDERS.reduce((sum, p) => sum + lines[p].counts.drippedBytes, 0);
      const before = count();
      for (const p of LINE_PROVIDERS) lines[p].set({ kind: "drip", bytesPerSecond: 150 });
      await delay(FAULT_MS);
      for (const p of LINE_PROVIDERS) lines[p].set(undefined);
      return happened(count() - before, "bytes dripped");
    },
  },
  {
    name: "provider-half-open",
    about: "providers: the lines swallow everything both ways for 6 s and keep the sockets open",
    async inject({ lines }) {
      const count = () => LINE_PROVIDERS.reduce((sum, p) => sum + lines[p].counts.swallowedBytes, 0);
      const before = count();
      for (const p of LINE_PROVIDERS) lines[p].set({ kind: "half-open" });
      await delay(FAULT_MS);
      for (const p of LINE_PROVIDERS) lines[p].set(undefined);
      return happened(count() - before, "bytes swallowed");
    },
  },
];
