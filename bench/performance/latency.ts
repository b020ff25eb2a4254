import { percentileOfSorted } from "../percentile.ts";
import { summaryOf } from "../summary.ts";
import type { Answer, Curve, Figure, Question } from "./figure.ts";
import { measurePeak, startInstallation } from "./installation.ts";
import { type Backlog, besideBacklog, type Latencies, latenciesOf, paced, RejectedError } from "./latency-runs.ts";

const LOADS_PERCENT = [10, 25, 50, 75, 90];
/** Of peak: for L1, and for the critical notifications beside and without a backlog. */
const HALF = 0.5;
const BESIDE = 0.1;

interface Sizes {
  /** Of a pace, in seconds. */
  seconds: number;
  rounds: number;
  marketing: number;
}

/** How long does a critical notification take from its acceptance to its provider? */
export const createLatency =
  ({ seconds, rounds, marketing }: Sizes): Question =>
  async ({ store, storeUrl, say }) => {
    await using installation = await startInstallation(storeUrl);
    const peak = await measurePeak(installation);
    say(`peak: ${peak.toFixed(0)} notifications a second from the call to the push`);
    const at = (share: number) => paced(installation, Math.max(1, Math.round(peak * share)), seconds);

    const half: Latencies[] = [];
    for (let i = 0; i < rounds; i++) half.push(latenciesOf(await at(HALF)));
    say(`at half of peak: ${shown(half)}`);
    const loads: { percent: number; latencies: Latencies }[] = [];
    for (const percent of LOADS_PERCENT) {
      try {
        const latencies = latenciesOf(await at(percent / 100));
        loads.push({ percent, latencies });
        say(`at ${percent} % of peak: ${shown([latencies])}`);
      } catch (error) {
        // The curve ends here: the peak is that of a few seconds, and the machine's speed varies.
        if (!(error instanceof RejectedError)) throw error;
        say(`at ${percent} % of peak: not held; ${error.message}`);
        break;
      }
    }
    const quiet: Latencies[] = [];
    const beside: Backlog[] = [];
    for (let i = 0; i < rounds; i++) {
      quiet.push(latenciesOf(await at(BESIDE)));
      beside.push(await besideBacklog(installation, { peak, share: BESIDE, marketing }));
      say(`quiet: ${shown(quiet.slice(-1))}; beside ${marketing} due at once: ${shown([beside.at(-1)!.latencies])}`);
      say(`  the backlog was sent within ${beside.at(-1)!.drainSeconds.toFixed(1)} s`);
    }

    const figures: Figure[] = [];
    const add = (row: "L1" | "L2", what: string, values: readonly number[], unit = "ms") =>
      figures.push({ row, what, store, unit, value: summaryOf(values) });
    add("L1", "rate, half of peak", [peak * HALF], "/s");
    for (const [name, share] of PERCENTILES) {
      add("L1", `from due to the provider at half of peak, ${name}`, percentilesOf(half, "fromDue", share));
      add("L1", `from the answer to the provider at half of peak, ${name}`, percentilesOf(half, "fromAnswer", share));
    }
    add("L2", "rate of critical ones, a tenth of peak", [peak * BESIDE], "/s");
    const besideLatencies = beside.map(({ latencies }) => latencies);
    for (const [name, share] of PERCENTILES) {
      const [over, under] = [percentilesOf(besideLatencies, "fromDue", share), percentilesOf(quiet, "fromDue", share)];
      add(
        "L2",
        `from due to the provider beside ${marketing} marketing due at once / quiet, ${name}`,
        over.map((ms, i) => ms / under[i]!),
        "",
      );
      add("L2", `from due to the provider beside ${marketing} marketing due at once, ${name}`, over);
      add("L2", `from due to the provider, quiet, ${name}`, under);
    }
    add(
      "L2",
      `until ${marketing} marketing due at once were sent`,
      beside.map(({ drainSeconds }) => drainSeconds),
      "s",
    );
    const load: Curve = {
      ...{ name: `load-latency-${store}`, title: "Load and latency", x: "% of peak", y: "ms from due to the provider" },
      lines: PERCENTILES.map(([name, share]) => ({
        name,
        points: loads.map(({ percent, latencies }): [number, number] => [percent, percentileOfSorted(latencies.fromDue, share)]),
      })),
    };
    const drain: Curve = {
      ...{ name: `backlog-drain-${store}`, title: `${marketing} marketing due at once`, x: "seconds", y: "sent per second" },
      lines: beside.map(({ drained }, i) => ({ name: `round ${i + 1}`, points: drained })),
    };
    return { figures, curves: [load, drain] } satisfies Answer;
  };

export const measureLatency = createLatency({ seconds: 15, rounds: 3, marketing: 50_000 });

const PERCENTILES = [
  ["p50", 0.5],
  ["p99", 0.99],
] as const;

const percentilesOf = (all: readonly Latencies[], from: keyof Latencies, share: number) =>
  all.map((latencies) => percentileOfSorted(latencies[from], share));

function shown(all: readonly Latencies[]): string {
  const of = (from: keyof Latencies, share: number) => summaryOf(percentilesOf(all, from, share)).median.toFixed(1);
  return `p50 ${of("fromDue", 0.5)} ms, p99 ${of("fromDue", 0.99)} ms (from the answer ${of("fromAnswer", 0.5)} and ${of("fromAnswer", 0.99)})`;
}
