// From the runs of bench/per-pod-rate.ts to the sources that hold what follows from them. Pure: texts in, texts out.
import { CHANNELS, type Channel, isPush } from "../core/delivery/channel.ts";
import type { TaskCost } from "../operations/capacity/measured-costs.ts";
import type { Origin } from "./compare/machine.ts";
import type { DocumentSize } from "./document-sizes.ts";
import { type Summary, summaryOf } from "./summary.ts";

export interface Cost {
  what: string;
  perSecond: Summary;
  cpuMs: Summary;
}

export interface ChannelRow {
  channel: Channel;
  answerMs: number;
  perSecond: Summary;
  cpuMsPerTask: Summary;
  /** Tasks per second of a pod with POD_CORES. */
  podPerSecond: number;
  preferencesCpuMs: Summary;
  feedbackCpuMs: Summary;
  serviceMs: number;
  storedBytesPerTask: number;
  /** Bytes of the content that was sent: title, body and data; text; subject, HTML and text. */
  contentBytes: number;
  peakMiB: number;
}

/** One run of bench/per-pod-rate.ts. */
export interface PodRateRun extends Origin {
  store: string;
  tasks: number;
  slice: number;
  rows: readonly ChannelRow[];
  costs: readonly Cost[];
  documents: readonly DocumentSize[];
}

export interface CallCosts {
  gatewaySendMs: number;
  gatewayBatchMs: number;
  preferencesMs: number;
  relayMs: number;
}

export interface Costs {
  tasks: Readonly<Record<Channel, TaskCost>>;
  calls: CallCosts;
}

/** Runs that count: the costliest of them, as a busy machine shares fewer round trips. */
export const RUNS_KEPT = 3;

/** The runs so far and this one, without those of other revisions and with other stores. */
export function withRun(runs: readonly PodRateRun[], run: PodRateRun): PodRateRun[] {
  // Recording the first run is what changes the tree before the second.
  const kind = ({ commit, store }: PodRateRun) => `${commit.replace("+", "")} ${store}`;
  return [...runs.filter((other) => kind(other) === kind(run)), run].slice(-RUNS_KEPT);
}

const ms = (value: number) => Number(value.toFixed(2));
const bytes = (value: number) => Math.round(value / 10) * 10;

/** The costliest of the runs in each figure; what no run measured stays as it is. */
export function costsOf(runs: readonly PodRateRun[], current: Costs): Costs {
  const most = (values: readonly (number | undefined)[], otherwise: number) => {
    const known = values.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
    return known.length === 0 ? otherwise : Math.max(...known);
  };
  const taskCost = (channel: Channel): TaskCost => {
    const before = current.tasks[channel];
    const rows = runs.flatMap((run) => run.rows.filter((row) => row.channel === channel));
    const document = (what: string) =>
      runs.map(({ documents }) => {
        const found = documents.find((d) => d.what === `${what}, ${channel}`);
        return found && bytes(found.bytes - found.contentBytes);
      });
    return {
      dispatcherMs: most(
        rows.map((row) => ms(row.cpuMsPerTask.median)),
        before.dispatcherMs,
      ),
      preferencesMs: most(
        rows.map((row) => ms(row.preferencesCpuMs.median)),
        before.preferencesMs,
      ),
      // A push has no receipts: what feedback spends meanwhile is its own.
      feedbackMs: isPush(channel)
        ? 0
        : most(
            rows.map((row) => ms(row.feedbackCpuMs.median)),
            before.feedbackMs,
          ),
      notificationBytes: most(document("notification"), before.notificationBytes),
      attemptBytes: most(document("attempt"), before.attemptBytes),
      streamBytes: most(
        rows.map((row) => bytes(row.storedBytesPerTask - row.contentBytes)),
        before.streamBytes,
      ),
    };
  };
  const callCost = (what: string, before: number) =>
    most(
      runs.map(({ costs }) => {
        const medians = costs.filter((cost) => cost.what.startsWith(`${what}, `)).map(({ cpuMs }) => cpuMs.median);
        return medians.length === 0 ? undefined : ms(summaryOf(medians).median);
      }),
      before,
    );
  return {
    tasks: Object.fromEntries(CHANNELS.map((channel) => [channel, taskCost(channel)])) as Record<Channel, TaskCost>,
    calls: {
      gatewaySendMs: callCost("gateway, Send", current.calls.gatewaySendMs),
      gatewayBatchMs: callCost("gateway, SendBatch", current.calls.gatewayBatchMs),
      preferencesMs: callCost("preferences, Send", current.calls.preferencesMs),
      relayMs: callCost("relay, publication", current.calls.relayMs),
    },
  };
}

/** Replaces the one place that the pattern finds; throws where there is none. */
function replaced(text: string, pattern: RegExp, by: (groups: readonly string[]) => string): string {
  if (!pattern.test(text)) throw new Error(`nothing in the source looks like ${pattern}`);
  return text.replace(pattern, (...groups: unknown[]) => by(groups as string[]));
}

const digits = (value: number) => (value >= 1_000 ? String(value).replace(/(\d)(?=(\d{3})+$)/g, "$1_") : String(value));
const fields = (of: object) =>
  Object.entries(of)
    .map(([name, value]) => `${name}: ${digits(value as number)}`)
    .join(", ");

/** operations/capacity/measured-costs.ts with these figures, and with where they come from. */
export function withCosts(source: string, { tasks, calls }: Costs, runs: readonly PodRateRun[]): string {
  const [last] = runs.slice(-1);
  let text = source;
  if (last !== undefined) {
    const { machine, date, commit, store } = last;
    const about = `Medians of bench/per-pod-rate.ts with ${store} as the store, ${date.slice(0, 10)}, commit ${commit.replace("+", "")}, ${machine.cpu}, ${machine.cores} cores.`;
    text = replaced(text, /\/\*\*\n \* Medians of.*?\*\//s, () =>
      [
        "/**",
        ` * ${about}`,
        ` * The costliest of ${runs.length === 1 ? "one run" : `${runs.length} runs`}. CPU time, not wall time. Written by bench/measured-costs.ts.`,
        " */",
      ].join("\n"),
    );
  }
  for (const channel of CHANNELS)
    text = replaced(text, new RegExp(`^  ${channel}: \\{ .* \\},$`, "m"), () => `  ${channel}: { ${fields(tasks[channel])} },`);
  for (const [name, value] of Object.entries(calls))
    text = replaced(text, new RegExp(`^  ${name}: .*,$`, "m"), () => `  ${name}: ${value},`);
  return text;
}

export type TargetRates = Readonly<Record<Channel, number>>;

/** core/scaling/scaling.ts with these targets. */
export const withDefaultTargets = (source: string, targets: TargetRates): string =>
  CHANNELS.reduce(
    (text, channel) =>
      replaced(
        text,
        new RegExp(`(\\n  ${channel}: \\{\\n[^}]*?targetRatePerPod: )[\\d_.]+`),
        ([, before]) => `${before}${targets[channel]}`,
      ),
    source,
  );

/** The chart's values.yaml with these targets. */
export const withChartTargets = (values: string, targets: TargetRates): string =>
  CHANNELS.reduce(
    (text, channel) =>
      // Of the channel's block: to the next key with the same indentation.
      replaced(
        text,
        new RegExp(`(\\ndispatchers:\\n(?:.*\\n)*?  ${channel}:\\n(?:(?:    .*)?\\n)*?      targetRatePerPod: )[\\d.]+`),
        ([, before]) => `${before}${targets[channel]}`,
      ),
    values,
  );

const EXAMPLE = /(```text\n\$ carillon )(capacity [^\n]*)(\n)(.*?)(```)/s;

/** Arguments of the command whose output docs/capacity.md shows. */
export function exampleArguments(page: string): string[] {
  const [, , command] = EXAMPLE.exec(page) ?? [];
  if (command === undefined) throw new Error("the page shows no call of carillon capacity");
  return command.split(" ");
}

export const withExample = (page: string, output: string): string =>
  replaced(page, EXAMPLE, ([, begin, command, end, , close]) => `${begin}${command}${end}${output}${close}`);
