import type { Plan } from "../../operations/capacity/capacity.ts";
import { table } from "../table.ts";

/** What a node of 4 cores and 16 GiB has for pods, besides kubelet and system. Assumed. */
const NODE = { cores: 3.9, memoryGib: 13 } as const;

const round = (n: number, digits = 0) => Number(n.toFixed(digits));
const rate = (n: number) => (n < 10 ? round(n, 1) : Math.round(n));
export const grouped = (n: number) => Math.round(n).toLocaleString("en");

/** A number of bytes in units of 1024. */
export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  const value = n / 1_024 ** power;
  return `${value < 10 ? round(value, 1) : Math.round(value)} ${units[power]}`;
}

const perDay = (n: number) => (n >= 1e6 ? `${round(n / 1e6, 2)}M` : n >= 1e3 ? `${round(n / 1e3, 1)}K` : String(Math.round(n)));

export function capacityReport(plan: Plan, { nodes }: { nodes: boolean }): string {
  const { demand } = plan;
  const total = Object.values(demand.perDay).reduce((a, b) => a + b, 0);
  return [
    `${perDay(total)} notifications per day, ${demand.peakFactor} times the average at the peak`,
    channelTable(plan),
    `max_ack_pending: ${grouped(plan.nats.ackPendingMax)} (one setting for every channel and class)`,
    serviceTable(plan),
    needs("MongoDB", storeLines(plan)),
    needs("Redis", redisLines(plan)),
    needs("NATS", natsLines(plan)),
    ...(nodes ? [needs("Nodes", nodeLines(plan))] : []),
    ...(plan.warnings.length > 0 ? [plan.warnings.map((w) => `! ${w}`).join("\n")] : []),
  ].join("\n\n");
}

const channelTable = (plan: Plan) =>
  table(
    [
      "channel",
      "per day",
      "avg/s",
      "peak/s",
      "limit/s",
      "per pod/s",
      "target/s",
      "pods avg",
      "pods peak",
      "min-max",
      "in flight/pod",
      "in progress",
      "ack pending",
    ],
    plan.channels.map((c) => [
      ...[c.channel, perDay(c.perDay), rate(c.averagePerSecond), rate(c.peakPerSecond), c.rateLimitPerSecond ?? "-"],
      ...[Math.round(c.sustainedPerPod), c.targetRatePerPod, c.podsAverage, c.podsPeak, `${c.minReplicas}-${c.maxReplicas}`],
      ...[c.inFlight, Math.ceil(c.inProgress), c.ackPendingMax],
    ]),
  );

const serviceTable = (plan: Plan) =>
  table(
    ["service", "cores at peak", "pods avg", "pods peak", "max"],
    plan.services.map((s) => [s.service, round(s.cores, 2), s.podsAverage, s.podsPeak, s.maxReplicas]),
  );

type Line = readonly [what: string, value: string];

function needs(title: string, lines: readonly Line[]): string {
  const width = Math.max(...lines.map(([what]) => what.length));
  return [title, ...lines.map(([what, value]) => `  ${what.padEnd(width)}  ${value}`)].join("\n");
}

function storeLines({ store: s, demand }: Plan): Line[] {
  return [
    ["document writes", `${grouped(s.writesAverage)}/s on average, ${grouped(s.writesPeak)}/s at the peak`],
    [
      "storage",
      `${bytes(s.bytesPerDay)} per day; ${bytes(s.bytesRetained)} with ${round(demand.contentDays, 1)} days of content and ${round(demand.metadataDays, 1)} of the rest, before compression`,
    ],
    ["indexes", bytes(s.indexBytesRetained)],
    ["written to disk", `${bytes(s.diskBytesPerSecond)}/s, about ${grouped(s.iops)} IOPS at the peak`],
    ["each of 3 members", `${s.cores} cores, ${s.memoryGib} GiB, ${grouped(s.diskGib)} GiB of SSD`],
  ];
}

function redisLines({ redis: r, demand }: Plan): Line[] {
  return [
    ["claims", `${grouped(r.claims)} concurrent, ${bytes(r.claimBytes)}`],
    ["opt-outs", `${grouped(demand.optOuts)}, ${bytes(r.optOutBytes)}`],
    ["operations", `${grouped(r.operationsPeak)}/s at the peak, batched into fewer round trips`],
    ["maxmemory", `${r.memoryMib} MiB, noeviction`],
  ];
}

function natsLines({ nats: n, demand }: Plan): Line[] {
  return [
    ["messages", `${grouped(n.messagesPeak)}/s at the peak: published, delivered, acknowledged`],
    ["waiting", `${bytes(n.outageBytes)} after ${round(demand.outageHours, 1)} h at the peak without dispatchers`],
    ["max_bytes", `${bytes(n.streamBytesMax)} for each of ${n.streams} streams; tasks that do not fit wait in the store`],
    ["duplicate window", `${bytes(n.duplicateMib * 2 ** 20)} of memory`],
    ["servers", `${n.servers} with ${n.servers} replicas, ${grouped(n.diskGib)} GiB of SSD each`],
  ];
}

function nodeLines({ pods: p }: Plan): Line[] {
  const nodesFor = (cores: number, memoryGib: number) => Math.max(3, Math.ceil(Math.max(cores / NODE.cores, memoryGib / NODE.memoryGib)));
  const share = (pods: number) => (p.memoryGibMost * pods) / p.most;
  const line = (what: string, pods: number, cores: number): Line => [
    what,
    `${pods} pods, ${round(cores, 1)} cores requested: ${nodesFor(cores, share(pods))} nodes of 4 cores and 16 GiB`,
  ];
  return [line("on average", p.average, p.coresAverage), line("at the peak", p.peak, p.coresPeak), line("at most", p.most, p.coresMost)];
}
