// Detects slower hot paths: CPU time per item and rate of accepting, of sending and of both together, each as a ratio to a baseline
// that is measured in the same round. Ratios compare across machines and days; absolute figures do not.
import { report } from "./compare/report.ts";
import { measureDispatcher } from "./quick/dispatcher.ts";
import { measureEndToEnd } from "./quick/end-to-end.ts";
import { measureGateway } from "./quick/gateway.ts";

/** The round in progress then needs some seconds, and `make bench-quick` promises 3 minutes. */
const RUN_MS = 160_000;

await report("quick", RUN_MS, [
  [measureGateway, 0.34],
  [measureDispatcher, 0.58],
  [measureEndToEnd, 1],
]);
