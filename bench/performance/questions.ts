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
    ...{ name: "idle", title: "Doing nothing", rows: ["M1"], stores: BOTH, minutes: 3, bySubject: true },
    load: async () => (await import("./idle.ts")).measureIdle,
  },
];
