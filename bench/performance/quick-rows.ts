import type { Limits } from "../compare/rounds.ts";
import type { Section } from "../compare/section.ts";
import { measureEndToEnd } from "../quick/end-to-end.ts";
import { measureGateway } from "../quick/gateway.ts";
import type { Summary } from "../summary.ts";
import { BUSY, type Figure, type Question, type RowName } from "./figure.ts";
import { otherDatabase } from "./other-database.ts";
import { cpuOf } from "./sections.ts";

const ROUNDS = 10;
/** No round of a section starts that might end later: twice what a quiet machine needs. */
const SECTION_MS = 240_000;

const limits = (say: Limits["say"]): Limits => ({ rounds: ROUNDS, endsAt: performance.now() + SECTION_MS, say });
/** Of the inverse ratio. */
const inverse = ({ median, min, max, n }: Summary): Summary => ({ median: 1 / median, min: 1 / max, max: 1 / min, n });

/** What do accepting, and a notification from the call to the push, cost beside bare grpc-js and beside the naive flow? */
export const measureQuickRows: Question = async ({ store, storeUrl, say }) => {
  const figures: Figure[] = [];
  const add = (section: Section, row: RowName, what: string, unit: string, value: Summary) =>
    figures.push({ row, what: section.busy ? `${what}${BUSY}` : what, store, unit, value });

  const accepting = await measureGateway(limits(say), otherDatabase(storeUrl, "_accepting"));
  add(accepting, "T1", "rate, durable unary accept / null grpc-js", "", ratio(accepting, "unary: rate, gateway / null"));
  add(
    accepting,
    "T1",
    "CPU, null grpc-js / the gateway process alone",
    "",
    inverse(ratio(accepting, "unary: CPU, gateway process / null")),
  );
  add(accepting, "T2", "items of durable batches of 100 / null unary calls", "", ratio(accepting, "rate, gateway batch / null unary"));
  for (const row of accepting.rows) {
    add(accepting, "T1", `${row.side}: rate`, "/s", row.perSecond);
    for (const [name, us] of cpuOf(row)) add(accepting, "T1", `${row.side}: CPU each, ${name}`, "us", us);
  }

  const endToEnd = await measureEndToEnd(limits(say), otherDatabase(storeUrl, "_end_to_end"));
  for (const way of ["unary", "batch"] as const) {
    add(endToEnd, "T14", `rate, Carillon / naive, ${way}`, "", ratio(endToEnd, `${way}: rate, Carillon / naive`));
    const ours = endToEnd.rows.find(({ side }) => side === `Carillon ${way}`)!;
    add(endToEnd, "E1", `end to end, ${way}`, "/s", ours.perSecond);
    add(endToEnd, "E2", `CPU each, ${way}`, "us", ours.cpuUsTotal);
    for (const [name, us] of cpuOf(ours))
      add(endToEnd, "E2", `CPU each, ${way}, ${name in ours.cpuUs ? `of which ${name}` : name}`, "us", us);
  }
  return { figures };
};

function ratio({ ratios }: Section, what: string): Summary {
  const found = ratios.find((r) => r.what === what);
  if (found === undefined) throw new Error(`no ratio is called "${what}"`);
  return found.ratio;
}
