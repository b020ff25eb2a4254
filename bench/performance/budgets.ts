import type { Figure, RowName } from "./figure.ts";
import type { Target } from "./targets.ts";

/** Bare parts: what the question "floors" measures, and of each the process whose CPU time is the part's. */
export const FLOORS = {
  unaryCall: ["null grpc-js unary call", "server"],
  batchItem: ["null grpc-js item of a batch of 100", "server"],
  jsPublish: ["js.publish", "client"],
  publish: ["publish with acknowledgement", "client"],
  consume: ["consume and acknowledge", "client"],
  redisClaim: ["Redis script for a claim", "client"],
  insert: ["SQLite: insert of a notification", "writer"],
  published: ["SQLite: change after a publication", "writer"],
  claim: ["SQLite: insert of an attempt", "writer"],
  settle: ["SQLite: outcome of an attempt and its notification", "writer"],
  request: ["node:http2 request", "client"],
} as const satisfies Record<string, readonly [side: string, process: string]>;

type Part = keyof typeof FLOORS;

/** What a ratio to a bare program leaves for everything else, and what the promises need in any case. */
interface Budget {
  row: RowName;
  /** Of what the ratio is, in words, and the bare program's part. */
  of: string;
  yardstick: Part;
  /** In words: what one of these does, each as its bare part. */
  parts: readonly (readonly [what: string, part: Part])[];
}

/** At least: one command of a pipeline, as a claim is, though the product asks over gRPC. */
const OPT_OUTS = ["the question for opt-outs", "redisClaim"] as const;

/** Of the process alone: what NATS and Redis use for it is in no sum. */
export const BUDGETS: readonly Budget[] = [
  {
    ...{ row: "T1", of: "a call in the gateway", yardstick: "unaryCall" },
    parts: [["the call", "unaryCall"], OPT_OUTS, ["the insert", "insert"], ["the publication", "publish"]],
  },
  {
    ...{ row: "T2", of: "an item of a batch in the gateway", yardstick: "unaryCall" },
    parts: [["the item", "batchItem"], OPT_OUTS, ["the insert", "insert"], ["the publication", "publish"]],
  },
  {
    ...{ row: "T5", of: "a publication in the relay", yardstick: "jsPublish" },
    parts: [
      ["the publication", "publish"],
      ["the change that says so", "published"],
    ],
  },
  {
    ...{ row: "T9", of: "a push in the dispatcher", yardstick: "request" },
    parts: [
      ["the task", "consume"],
      ["the claim in Redis", "redisClaim"],
      OPT_OUTS,
      ["the claim in the store", "claim"],
      ["the request", "request"],
      ["the outcome", "settle"],
    ],
  },
];

export interface BudgetRow {
  row: RowName;
  of: string;
  must: number;
  yardstickUs: number;
  /** us of CPU time that one may take for the ratio to be reached where nothing but CPU time limits the rate. */
  allowedUs: number;
  parts: readonly { what: string; us: number }[];
  partsUs: number;
}

/** The rows for which everything was measured. Pure. */
export function budgetsOf(figures: readonly Figure[], targets: readonly Target[]): BudgetRow[] {
  const usOf = (part: Part) => {
    const [side, process] = FLOORS[part];
    return figures.find((f) => f.row === "floors" && f.what.startsWith(`CPU of one, ${side}, ${process}`))?.value.median;
  };
  return BUDGETS.flatMap(({ row, of, yardstick, parts }) => {
    const must = targets.find((target) => target.row === row)?.must;
    const yardstickUs = usOf(yardstick);
    const costs = parts.map(([what, part]) => ({ what, us: usOf(part) ?? Number.NaN }));
    const partsUs = costs.reduce((sum, { us }) => sum + us, 0);
    if (must === undefined || yardstickUs === undefined || Number.isNaN(partsUs)) return [];
    return [{ ...{ row, of, must, yardstickUs, partsUs, parts: costs }, allowedUs: yardstickUs / must }];
  });
}
