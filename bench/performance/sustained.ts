import { CHANNELS } from "../../core/delivery/channel.ts";
import type { Audit } from "../../operations/audit/audit.ts";
import { readAudit } from "../../operations/audit/read-audit.ts";
import { systemClock } from "../../runtime/clock.ts";
import { summaryOf } from "../summary.ts";
import type { Answer, Figure, Question } from "./figure.ts";
import { type MixedRun, runMixed } from "./sustained-run.ts";
import { holdRate, memoryGrowth, type Search } from "./sustained-search.ts";
import { type MixedSystem, RECEIPT_CHANNELS, startMixedSystem } from "./sustained-system.ts";

/** Ten times the average of 16 million a day. */
const WANTED_PER_SECOND = 1_900;
const SECONDS = 600;
/** How long each rate is tried before. */
const TRIAL_SECONDS = 20;
/** While code is compiled. */
const WARM_UP_PER_SECOND = 800;

/** Which rate can one machine hold with every channel, what does each role use at it, and does everything arrive once? */
export const createSustained =
  (seconds: number, trialSeconds = TRIAL_SECONDS): Question =>
  async ({ store, storeUrl, say }) => {
    await using stack = new AsyncDisposableStack();
    const system = await startMixedSystem(stack, storeUrl);
    let accepted = 0;
    const run = async (perSecond: number, forSeconds: number) => {
      const ran = await runMixed(system, { perSecond, seconds: forSeconds }, say);
      accepted += ran.fates.accepted;
      say(cores(ran));
      return ran;
    };
    await run(WARM_UP_PER_SECOND, trialSeconds);
    const search = await holdRate(WANTED_PER_SECOND, {
      trial: (perSecond) => run(perSecond, trialSeconds),
      long: (perSecond) => run(perSecond, seconds),
      say,
    });
    const stored = await audited(system, accepted);
    for (const line of stored.broken) say(`BROKEN: ${line}`);
    return answerOf(search, stored, { store, accepted });
  };

export const measureSustained: Question = createSustained(SECONDS);

interface Stored {
  audit: Audit;
  /** In words. */
  broken: string[];
  breaks: number;
}

/** Reads everything back that was accepted since the system started. */
async function audited({ store }: MixedSystem, accepted: number): Promise<Stored> {
  const audit = await readAudit({ store, clock: systemClock }, {});
  const failed = audit.checks.filter(({ holds }) => !holds);
  // Calls without a clear answer may have stored something, so there may be more.
  const missing = Math.max(0, accepted - audit.notifications);
  const broken = failed.map(({ promise, detail }) => `${promise}: ${detail}`);
  if (missing > 0) broken.push(`${missing} of ${accepted} accepted notifications are not stored`);
  return { audit, broken, breaks: failed.reduce((sum, check) => sum + Math.max(1, check.broken), 0) + missing };
}

const cores = ({ coreShare, other }: MixedRun) =>
  `  of a core: ${Object.entries(coreShare)
    .filter(([, share]) => share >= 0.005)
    .sort(([, a], [, b]) => b - a)
    .map(([name, share]) => `${name} ${Math.round(share * 100)} %`)
    .join(", ")}; others ${Math.round(other.cores * 100)} %, stolen ${Math.round(other.stolenShare * 100)} % of the machine`;

function answerOf(
  { run, isHeld, tried }: Search,
  { audit, breaks, broken }: Stored,
  { store, accepted }: { store: Figure["store"]; accepted: number },
): Answer {
  const { perSecond, seconds, fates, report, arrivalMs, lagMs, receipts, coreShare, other, memory } = run;
  const figure = (what: string, unit: string, value: number): Figure => ({
    ...{ row: "sustained", what, unit, value: summaryOf([value]) },
    ...(store ? { store } : {}),
  });
  const marks = (points: readonly (readonly [number, number])[]) =>
    [0.1, 0.5, 1].map((share) => points[Math.max(0, Math.ceil(points.length * share) - 1)]!);
  const delivered = RECEIPT_CHANNELS.reduce((sum, channel) => sum + sizeOf(audit.byState[channel]?.delivered), 0);
  const used = Object.values(coreShare).reduce((sum, share) => sum + share, 0);
  return {
    notes: [
      ...tried,
      ...broken,
      isHeld
        ? `The figures are those of the ${seconds} s at ${perSecond}/s.`
        : `No rate was held; the figures are those of the last run, ${seconds} s at ${perSecond}/s.`,
    ],
    figures: [
      figure("rate held, half unary and half in batches of 100", "/s", isHeld ? perSecond : 0),
      figure("for so long", "s", seconds),
      figure("accepted", "", fates.accepted),
      ...CHANNELS.map((channel) => figure(`arrived at the stub of ${channel}`, "", fates.arrived[channel])),
      figure("accepted and never arrived", "", fates.lost),
      figure("arrived more than once", "", fates.twice),
      figure("arrived although rejected", "", fates.rejectedArrived),
      figure("rejected by RESOURCE_EXHAUSTED", "", fates.rejected),
      figure("ended without a clear answer", "", fates.unclear),
      figure("receipts of texts and e-mails answered with success", "", receipts.told),
      figure("a call was made later than due, at most", "ms", report.lateMsMax),
      figure("accepting one: p50", "ms", report.unaryMs.p50),
      figure("accepting one: p99", "ms", report.unaryMs.p99),
      figure("accepting a batch: p99", "ms", report.batchMs.p99),
      figure("from due to the provider, one by one: p50", "ms", arrivalMs.p50),
      figure("from due to the provider, one by one: p99", "ms", arrivalMs.p99),
      figure("until all was sent and stored after the last call was due", "ms", lagMs),
      figure("audit of everything since the start: notifications", "", audit.notifications),
      figure("audit of everything since the start: texts and e-mails known as delivered", "", delivered),
      figure("audit of everything since the start: broken promises", "", breaks),
      figure("accepted since the start", "", accepted),
      ...Object.entries(coreShare).map(([name, share]) => figure(`CPU of ${name}, of one core`, "%", share * 100)),
      figure("CPU of all of these, of one core", "%", used * 100),
      figure("CPU of other programs, of one core", "%", other.cores * 100),
      figure("CPU time that the host gave to others, of the machine", "%", other.stolenShare * 100),
      ...memoryGrowth(memory).map(([role, growth]) => figure(`resident memory of ${role}, last quarter / second`, "", growth)),
      ...Object.entries(memory).flatMap(([role, points]) =>
        marks(points).map(([second, mib]) => figure(`resident memory of ${role} after ${second} s`, "MiB", mib)),
      ),
    ],
    curves: [
      {
        ...{ name: `sustained-memory-${store}`, title: `Memory of the roles at ${Math.round(perSecond)} notifications a second` },
        ...{ x: "s", y: "MiB" },
        lines: Object.entries(memory).map(([name, points]) => ({ name, points })),
      },
    ],
  };
}

const sizeOf = (reasons: ReadonlyMap<unknown, number> | undefined) => [...(reasons?.values() ?? [])].reduce((sum, n) => sum + n, 0);
