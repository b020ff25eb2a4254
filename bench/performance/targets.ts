import type { Figure, RowName, StoreName } from "./figure.ts";

/** What a row of docs/performance.md must reach. */
export interface Target {
  row: RowName;
  what: string;
  /** As in Figure. */
  unit: string;
  /** Which of the row's figures it is about, by what they say; absent: all. */
  figures?: RegExp;
  /** Absent: as the question is asked. */
  stores?: readonly StoreName[];
  better: "higher" | "lower";
  must: number;
  stretch?: number;
  /** Measured before the work on these rows began, on the same class of machine, in words. */
  before: string;
}

export const TARGETS: readonly Target[] = [
  {
    ...{ row: "T1", what: "durable unary accept / null grpc-js server: rate", unit: "", figures: /^rate, durable unary accept/ },
    ...{ better: "higher", must: 0.45, stretch: 0.65, before: "0.13-0.17" },
  },
  {
    ...{ row: "T1", what: "the same: CPU of the gateway process alone, null / durable", unit: "", figures: /^CPU, null/ },
    ...{ better: "higher", must: 0.45, stretch: 0.65, before: "0.13-0.17" },
  },
  {
    ...{ row: "T2", what: "items accepted in durable batches of 100 / null unary calls", unit: "" },
    ...{ better: "higher", must: 2, stretch: 3.5, before: "0.55" },
  },
  {
    ...{
      row: "T4",
      what: "p99 of accepting at half load / null server's at the same rate",
      unit: "",
      figures: /^p99 of accepting, gateway \/ null/,
    },
    ...{ better: "lower", must: 3, stretch: 1.5, before: "16" },
  },
  {
    ...{ row: "T5", what: "relay / js.publish with 256 in flight", unit: "", figures: /^relay \/ js\.publish.*: rate/ },
    ...{ better: "higher", must: 0.8, stretch: 1.5, before: "0.23" },
  },
  {
    ...{ row: "T5", what: "two relays / one", unit: "", figures: /^two relays \/ one: rate/ },
    ...{ better: "higher", must: 1.7, stretch: 1.9, before: "1.3" },
  },
  {
    ...{ row: "T9", what: "APNs dispatcher / raw node:http2, answers at once", unit: "", figures: /^rate, dispatcher-apns \/ raw/ },
    ...{ better: "higher", must: 0.25, stretch: 0.5, before: "0.017" },
  },
  {
    ...{ row: "T10", what: "its rate at 50 ms with 1,000 in flight / its rate at 0 ms", unit: "", figures: /^rate, answered after/ },
    ...{ better: "higher", must: 0.9, stretch: 1, before: "0.7" },
  },
  {
    ...{ row: "T11", what: "CPU of a send through FCM and web push / bare transport", unit: "", figures: /^CPU of a send/ },
    ...{ better: "lower", must: 1.5, stretch: 1.2, before: "7-30" },
  },
  {
    ...{
      row: "T12",
      what: "CPU of a send through Twilio, Vonage, SendGrid, Mandrill / bare transport",
      unit: "",
      figures: /^CPU of a send/,
    },
    ...{ better: "lower", must: 1.5, stretch: 1.2, before: "7-30" },
  },
  {
    ...{ row: "T14", what: "end to end / naive build, unary", unit: "", figures: /unary/ },
    ...{ better: "higher", must: 3, stretch: 5, before: "0.6" },
  },
  {
    ...{ row: "T14", what: "end to end / naive build, batches", unit: "", figures: /batch/ },
    ...{ better: "higher", must: 3, stretch: 5, before: "0.85" },
  },
  {
    ...{ row: "E1", what: "end to end on two cores, unary", unit: "/s", figures: /unary/ },
    ...{ better: "higher", must: 2_500, stretch: 4_000, before: "430" },
  },
  {
    ...{ row: "E1", what: "end to end on two cores, batches of 100", unit: "/s", figures: /batch/ },
    ...{ better: "higher", must: 4_000, stretch: 6_000, before: "not measured" },
  },
  {
    ...{ row: "E2", what: "CPU of all roles, NATS and Redis, unary", unit: "us", figures: /^CPU each, unary(?!,)/ },
    ...{ better: "lower", must: 600, stretch: 400, before: "2,700" },
  },
  {
    ...{ row: "E2", what: "CPU of all roles, NATS and Redis, batches of 100", unit: "us", figures: /^CPU each, batch(?!,)/ },
    ...{ better: "lower", must: 350, stretch: 250, before: "not measured" },
  },
  {
    ...{
      row: "L1",
      what: "critical, from the answer to the provider, at half of E1: p50",
      unit: "ms",
      figures: /^from the answer .*half of peak, p50/,
    },
    ...{ better: "lower", must: 10, stretch: 5, before: "30" },
  },
  {
    ...{ row: "L1", what: "the same: p99", unit: "ms", figures: /^from the answer .*half of peak, p99/ },
    ...{ better: "lower", must: 60, stretch: 30, before: "99" },
  },
  {
    ...{ row: "L2", what: "the same beside 50,000 marketing due at once / quiet", unit: "", figures: /\/ quiet/ },
    ...{ better: "lower", must: 2, stretch: 1.3, before: "5-8" },
  },
  {
    ...{ row: "O1", what: "at 2 and 5 times the sustainable rate for 60 s: goodput / peak", unit: "", figures: /goodput \/ peak/ },
    ...{ better: "higher", must: 0.9, stretch: 0.95, before: "0.6" },
  },
  {
    ...{ row: "O1", what: "the same: p99 of what is accepted", unit: "ms", figures: /accept, p99/ },
    ...{ better: "lower", must: 1_000, stretch: 300, before: "5,000" },
  },
  {
    ...{ row: "O1", what: "the same: broken connections", unit: "", figures: /broken connections/ },
    ...{ better: "lower", must: 0, stretch: 0, before: "8" },
  },
  {
    ...{
      row: "O1",
      what: "the same: p99 until RESOURCE_EXHAUSTED with RetryInfo",
      unit: "ms",
      figures: /reject, p99/,
    },
    ...{ better: "lower", must: 50, before: "RST and EOF" },
  },
  {
    ...{ row: "O1", what: "the same: resident size of the gateway, highest and after", unit: "MiB", figures: /RSS, highest|RSS .*after/ },
    ...{ better: "lower", must: 400, before: "1,100" },
  },
  {
    ...{ row: "M1", what: "CPU of an idle role", unit: "%", figures: /^(?!make up).*: idle CPU/ },
    ...{ better: "lower", must: 0.5, stretch: 0.2, before: "0.5-2.2" },
  },
  {
    ...{ row: "M1", what: "resident size of a role", unit: "MiB", figures: /^(?!make up).*: resident/ },
    ...{ better: "lower", must: 100, stretch: 80, before: "160" },
  },
  {
    ...{ row: "M1", what: "from a role's start until it is ready", unit: "ms", figures: /^(?!make up).*: start to ready/ },
    ...{ better: "lower", must: 800, before: "1,200" },
  },
  {
    ...{ row: "M1", what: "resident size of `make up`, without NATS and Redis", unit: "MiB", figures: /^make up: resident/ },
    stores: ["sqlite"],
    ...{ better: "lower", must: 350, before: "not measured" },
  },
  {
    ...{ row: "G1", what: "T1, T5 and E1 with 10M ended and 1M open / empty", unit: "", figures: /\/ empty/ },
    ...{ better: "higher", must: 0.9, stretch: 1, before: "1.0 at 1M ended" },
  },
  {
    ...{ row: "W1", what: "durable writes of the store per delivered notification", unit: "writes", figures: /^durable writes/ },
    ...{ better: "lower", must: 3, stretch: 2, before: "not measured" },
  },
  {
    ...{ row: "sustained", what: "ten minutes with every channel and its receipts: rate held", unit: "/s", figures: /^rate held/ },
    ...{ better: "higher", must: 1_900, before: "not measured" },
  },
  {
    ...{ row: "sustained", what: "the same: lost, arrived more than once or although rejected, promises broken in the audit", unit: "" },
    ...{ figures: /never arrived|more than once|although rejected|broken promises/, better: "lower", must: 0, before: "not measured" },
  },
];

export type Verdict = "stretch" | "must" | "below";

/** The figures that a target is about: several where it is about several programs, providers or loads. */
export const figuresFor = ({ row, unit, figures }: Target, of: readonly Figure[]): Figure[] =>
  of.filter((f) => f.row === row && f.unit === unit && (figures?.test(f.what) ?? true));

/** The figure that is farthest from the target. */
export function worstOf({ better }: Target, figures: readonly Figure[]): Figure | undefined {
  const sorted = figures.toSorted((a, b) => a.value.median - b.value.median);
  return better === "higher" ? sorted[0] : sorted.at(-1);
}

export function verdictOf({ better, must, stretch }: Target, median: number): Verdict {
  const reaches = (bound: number) => (better === "higher" ? median >= bound : median <= bound);
  if (stretch !== undefined && reaches(stretch)) return "stretch";
  return reaches(must) ? "must" : "below";
}
