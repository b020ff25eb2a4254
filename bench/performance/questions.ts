import type { Question, RowName, StoreName } from "./figure.ts";

export interface AskedQuestion {
  name: string;
  /** Heading of its section in docs/performance.md. */
  title: string;
  /** Rows of docs/performance.md that it answers. */
  rows: readonly RowName[];
  /** Those it is asked with; one where no store is involved. */
  stores: readonly StoreName[];
  /** Duration on a quiet machine with two cores, with one store. */
  minutes: number;
  /** Its figures are called "subject: measure", and are shown with a line per subject. */
  bySubject?: boolean;
  load(): Promise<Question>;
}

const BOTH: readonly StoreName[] = ["sqlite", "mongodb"];

/** In the order in which they are asked, and in which their sections follow one another. */
export const QUESTIONS: readonly AskedQuestion[] = [
  {
    ...{ name: "quick-rows", title: "Accepting, and from the call to the push", rows: ["T1", "T2", "T14", "E1", "E2"] },
    ...{ stores: BOTH, minutes: 4 },
    load: async () => (await import("./quick-rows.ts")).measureQuickRows,
  },
  {
    ...{ name: "floors", title: "What the bare parts cost", rows: ["floors"], stores: ["sqlite"], minutes: 2 },
    load: async () => (await import("./floors.ts")).measureFloors,
  },
  {
    ...{ name: "accept-latency", title: "How long accepting takes", rows: ["T4"], stores: BOTH, minutes: 2 },
    load: async () => (await import("./accept-latency.ts")).measureAcceptLatency,
  },
  {
    ...{ name: "relay", title: "Publishing", rows: ["T5"], stores: BOTH, minutes: 2 },
    load: async () => (await import("./relay.ts")).measureRelay,
  },
  {
    ...{ name: "transports", title: "Sending", rows: ["T9", "T10", "T11", "T12"], stores: ["sqlite"], minutes: 5 },
    load: async () => (await import("./transports.ts")).measureTransports,
  },
  {
    ...{ name: "profile", title: "Where the CPU time goes", rows: ["T1", "T9"], stores: ["sqlite"], minutes: 2 },
    load: async () => (await import("./profile.ts")).measureProfiles,
  },
  {
    ...{ name: "writes", title: "What is written", rows: ["W1"], stores: BOTH, minutes: 1 },
    load: async () => (await import("./writes.ts")).measureWrites,
  },
  {
    ...{ name: "latency", title: "From accepted to the provider", rows: ["L1", "L2"], stores: BOTH, minutes: 8 },
    load: async () => (await import("./latency.ts")).measureLatency,
  },
  {
    ...{ name: "overload", title: "More than it can take", rows: ["O1"], stores: BOTH, minutes: 8 },
    load: async () => (await import("./overload.ts")).measureOverload,
  },
  {
    ...{ name: "sustained", title: "For ten minutes, with every channel", rows: ["sustained"], stores: ["sqlite"], minutes: 20 },
    load: async () => (await import("./sustained.ts")).measureSustained,
  },
  {
    ...{ name: "growth", title: "With ten million notifications stored", rows: ["G1"], stores: BOTH, minutes: 15 },
    load: async () => (await import("./growth.ts")).measureGrowth,
  },
  {
    ...{ name: "idle", title: "Doing nothing", rows: ["M1"], stores: BOTH, minutes: 3, bySubject: true },
    load: async () => (await import("./idle.ts")).measureIdle,
  },
  {
    ...{ name: "peers", title: "Peers", rows: ["peers"], stores: ["sqlite"], minutes: 9, bySubject: true },
    load: async () => (await import("./peers.ts")).measurePeers,
  },
];
