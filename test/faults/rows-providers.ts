// Providers: no answer after accepting, connection cut, errors, slow, throttling, unavailable.
import { setTimeout as delay } from "node:timers/promises";
import type { FaultAction, ProviderName } from "../../sandbox/main.ts";
import { happened, type Row } from "./row.ts";
import { LINE_PROVIDERS, type World } from "./world.ts";

const ALL: readonly ProviderName[] = ["apns", "fcm", "webpush", "twilio", "vonage", "sendgrid", "mandrill"];
/** Orders stand until they are cleared. */
const ALWAYS = 100_000;
/** Part of a delivery's id, whose first 32 characters are hexadecimal: matches about one in eight, and more if the recipient contains it. */
const SOME = "a7";
const FAULT_MS = 6_000;

/** The number of ledger entries since then with this answer; without an answer, of sends that met the order. */
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
  row("provider-timeout", "providers: some sends are accepted and never answered", () => ({ kind: "no-answer" }), {
    ...{ answer: "no answer", match: SOME, what: "sends accepted and never answered" },
  }),
  row(
    "provider-late",
    "providers: some sends are accepted and answered a second after the deadline",
    () => ({ kind: "delay", ms: 3_000 }),
    {
      ...{ match: SOME, what: "sends accepted and answered late" },
    },
  ),
  row(
    "provider-reset",
    "providers: some sends are accepted, and the stream or connection is reset after the body; for FCM the whole connection is closed",
    (provider) => (provider === "fcm" ? { kind: "goaway" } : { kind: "cut-after" }),
    { answer: "cut after", match: SOME, what: "sends accepted and cut off" },
  ),
  row(
    "provider-5xx",
    "providers: some sends are accepted and answered 500, in the provider's own format",
    (provider) => ({ kind: "answer", status: 500, body: BROKEN_INSIDE[provider] ?? {}, accepted: true }),
    { answer: "500 ordered", match: SOME, what: "sends accepted and answered 500" },
  ),
  row(
    "provider-429",
    "providers: everything is answered 429, with Retry-After: 1, for 6 s",
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
    "providers: all of them close every connection before reading the request, for 6 s",
    (provider) => ({ kind: "cut-before", ...(isHttp2(provider) ? { code: 7 } : {}) }),
    { answer: "cut before", what: "sends cut off unread" },
  ),
  {
    name: "provider-drip",
    about: "providers: the network passes 150 bytes per second each way for 6 s",
    async inject({ lines }) {
      const count = () => LINE_PROVIDERS.reduce((sum, p) => sum + lines[p].counts.drippedBytes, 0);
      const before = count();
      for (const p of LINE_PROVIDERS) lines[p].set({ kind: "drip", bytesPerSecond: 150 });
      await delay(FAULT_MS);
      for (const p of LINE_PROVIDERS) lines[p].set(undefined);
      return happened(count() - before, "bytes throttled");
    },
  },
  {
    name: "provider-half-open",
    about: "providers: the network drops everything both ways for 6 s, and the sockets stay open",
    async inject({ lines }) {
      const count = () => LINE_PROVIDERS.reduce((sum, p) => sum + lines[p].counts.swallowedBytes, 0);
      const before = count();
      for (const p of LINE_PROVIDERS) lines[p].set({ kind: "half-open" });
      await delay(FAULT_MS);
      for (const p of LINE_PROVIDERS) lines[p].set(undefined);
      return happened(count() - before, "bytes dropped");
    },
  },
];
