// Computes pods and server sizes for a demand. Pure arithmetic on measured costs; cli/capacity/explain.ts prints each formula.
import { CHANNELS, type Channel, contentPart, isPush } from "../../core/delivery/channel.ts";
import { type ChannelScaling, replicasFor, requiredRate, SCALING_DEFAULTS } from "../../core/scaling/scaling.ts";
import { INTSET_ENTRIES_ADVISED, optOutMemory } from "../opt-out-memory/opt-out-memory.ts";
import { CALL_COSTS, CLAIM_BYTES, STORE_WRITES_PER_CORE, TASK_COSTS } from "./measured-costs.ts";

export interface Demand {
  /** Notifications per day, by channel. */
  perDay: Readonly<Record<Channel, number>>;
  /** Ratio of the busiest hour to the average. */
  peakFactor: number;
  /** Limits of the providers, per second. */
  rateLimits: Partial<Record<Channel, number>>;
  /** Bytes of content: title, body and data; text; subject, HTML and text. */
  contentBytes: Readonly<Record<"push" | "sms" | "email", number>>;
  /** RETENTION_METADATA_DAYS: of notifications and their attempts. */
  metadataDays: number;
  /** RETENTION_CONTENT_DAYS; a content is removed with its notification at the latest. */
  contentDays: number;
  /** Length of an outage of dispatchers or a provider, at the peak, for which the streams hold all tasks. */
  outageHours: number;
  /** Stored opt-outs: one per person, channel and category. */
  optOuts: number;
}

/** Cores of a dispatcher: its size and its CPU request, so that 80% of the request and targetRatePerPod match. */
export const POD_CORES = 0.5;
/** Cores of a service that answers calls: its CPU request. */
export const SERVICE_CORES = 0.25;
const POD_MEMORY_MIB = 512;
/** Target of their HPA, as a share of the request. */
export const SERVICE_SHARE = 0.65;
/** targetRatePerPod as a share of what a pod sustains. */
export const TARGET_SHARE = 0.8;
/** maxReplicas as a multiple of the pods at the peak: a campaign on top of it should drain within minutes. */
export const MAX_OVER_PEAK = 2.5;
/** Share of deliveries that the relay publishes: retries and scheduled sends. Assumed. */
export const RELAYED_SHARE = 0.1;
/** Receipts per SMS or e-mail that change its delivery. */
const RECEIPTS_STORED = 1;
/** Insert, claim, outcome, end. */
const WRITES_PER_DELIVERY = 4;
/** Lifetime of a claim: 5 s from claim to first byte, 10 s of the provider's deadline. */
export const CLAIM_SECONDS = 15;
/** Index entries: `_id` of a notification, and of an attempt, each with its record id. Without prefix compression. */
export const INDEX_BYTES = { notification: 32 + 13, attempt: 36 + 13 } as const;
/** Bytes written to disk per byte stored: the document, the journal, and the page at the checkpoint. Assumed. */
export const DISK_WRITE_FACTOR = 3;
/** Documents on one page written between two checkpoints; new documents are adjacent. Assumed. */
export const WRITES_PER_IO = 8;
/** Time in which a delivery changes, until its receipts have arrived: minutes, for nearly all. */
const WRITTEN_SECONDS = 600;
/** JetStream's duplicate window, and its memory per id. */
const DUPLICATE_SECONDS = 120;
const DUPLICATE_BYTES = 280;
const SECONDS_PER_DAY = 86_400;
const GIB = 2 ** 30;

export interface ChannelPlan {
  channel: Channel;
  perDay: number;
  averagePerSecond: number;
  peakPerSecond: number;
  /** Rate of sends at the peak: the arrivals, or the provider's limit if that is lower. */
  sentPerSecond: number;
  /** Rate that one pod sustains, and its target. */
  sustainedPerPod: number;
  targetRatePerPod: number;
  podsAverage: number;
  podsPeak: number;
  minReplicas: number;
  maxReplicas: number;
  inFlight: number;
  /** Tasks in progress in all pods at the peak: rate × service time. */
  inProgress: number;
  ackPendingMax: number;
  rateLimitPerSecond: number | undefined;
  /** Size of the tasks that wait after the outage. */
  outageBytes: number;
}

export interface ServicePlan {
  service: string;
  cores: number;
  podsAverage: number;
  podsPeak: number;
  maxReplicas: number;
}

export interface Plan {
  demand: Demand;
  channels: ChannelPlan[];
  services: ServicePlan[];
  store: {
    writesAverage: number;
    writesPeak: number;
    bytesPerDay: number;
    bytesRetained: number;
    indexBytesRetained: number;
    diskBytesPerSecond: number;
    iops: number;
    cores: number;
    memoryGib: number;
    diskGib: number;
  };
  redis: { claims: number; claimBytes: number; optOutBytes: number; operationsPeak: number; memoryMib: number };
  nats: {
    messagesPeak: number;
    outageBytes: number;
    /** One for every channel there is: `carillon provision` and the roles make all of them, whatever the demand. */
    streams: number;
    streamBytesMax: number;
    ackPendingMax: number;
    servers: number;
    diskGib: number;
    duplicateMib: number;
  };
  pods: { average: number; peak: number; most: number; coresAverage: number; coresPeak: number; coresMost: number; memoryGibMost: number };
  warnings: string[];
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const powerOfTwo = (n: number) => 2 ** Math.ceil(Math.log2(Math.max(1, n)));
/** Rounded down to two significant digits. */
function rounded(rate: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(rate)) - 1);
  return Math.max(1, Math.floor(rate / step) * step);
}

/**
 * Tasks per second of a pod with POD_CORES and `inFlight` tasks of a class at once.
 * @param dispatcherMs CPU time of a task
 */
export const sustainedRate = (dispatcherMs: number, { inFlight, serviceMs }: Pick<ChannelScaling, "inFlight" | "serviceMs">): number =>
  Math.min((POD_CORES * 1_000) / dispatcherMs, inFlight / (serviceMs / 1_000));

/** The rate per pod to scale for. */
export const targetRate = (sustained: number): number => rounded(TARGET_SHARE * sustained);

export const sustainedPerPod = (channel: Channel, scaling: Pick<ChannelScaling, "inFlight" | "serviceMs">): number =>
  sustainedRate(TASK_COSTS[channel].dispatcherMs, scaling);

export function planCapacity(demand: Demand): Plan {
  const channels = CHANNELS.filter((c) => demand.perDay[c] > 0).map((c) => planChannel(c, demand));
  const services = planServices(channels, demand);
  const nats = planNats(channels);
  const coresOf = (pods: (c: ChannelPlan | ServicePlan) => number) =>
    sum([...channels, ...services].map((c) => pods(c) * ("channel" in c ? POD_CORES : SERVICE_CORES)));
  const podsOf = (pods: (c: ChannelPlan | ServicePlan) => number) => sum([...channels, ...services].map(pods));
  const most = (c: ChannelPlan | ServicePlan) => c.maxReplicas;
  const least = (c: ChannelPlan | ServicePlan) => ("minReplicas" in c ? Math.max(c.minReplicas, c.podsAverage) : c.podsAverage);
  const peak = (c: ChannelPlan | ServicePlan) => ("minReplicas" in c ? Math.max(c.minReplicas, c.podsPeak) : c.podsPeak);
  return {
    ...{ demand, channels, services, nats, store: planStore(channels, demand), redis: planRedis(channels, demand) },
    pods: {
      ...{ average: podsOf(least), peak: podsOf(peak), most: podsOf(most) },
      ...{ coresAverage: coresOf(least), coresPeak: coresOf(peak), coresMost: coresOf(most) },
      memoryGibMost: (podsOf(most) * POD_MEMORY_MIB) / 1_024,
    },
    warnings: channels.flatMap(warningsOf),
  };
}

function planChannel(channel: Channel, demand: Demand): ChannelPlan {
  const defaults = SCALING_DEFAULTS[channel];
  const averagePerSecond = demand.perDay[channel] / SECONDS_PER_DAY;
  const peakPerSecond = averagePerSecond * demand.peakFactor;
  const limit = demand.rateLimits[channel];
  const sustained = sustainedPerPod(channel, defaults);
  const targetRatePerPod = targetRate(sustained);
  const scaling: ChannelScaling = {
    ...defaults,
    ...{ targetRatePerPod, minReplicas: 1, maxReplicas: Number.MAX_SAFE_INTEGER },
    ...(limit === undefined ? {} : { rateLimitPerSecond: limit }),
  };
  const podsFor = (arrivalsPerSecond: number) =>
    replicasFor(requiredRate({ arrivalsPerSecond, backlog: 0, parked: 0, oldestMs: 0 }, scaling), scaling);
  const [podsAverage, podsPeak] = [podsFor(averagePerSecond), podsFor(peakPerSecond)];
  const minReplicas = Math.max(defaults.minReplicas, podsAverage);
  const wanted = Math.max(2 * minReplicas, Math.ceil(MAX_OVER_PEAK * podsPeak));
  const maxReplicas = limit === undefined ? wanted : Math.max(minReplicas, Math.min(wanted, Math.ceil(limit / targetRatePerPod) + 1));
  const sentPerSecond = Math.min(peakPerSecond, limit ?? Number.POSITIVE_INFINITY);
  const bytes = TASK_COSTS[channel].streamBytes + demand.contentBytes[contentPart(channel)];
  return {
    ...{ channel, perDay: demand.perDay[channel], averagePerSecond, peakPerSecond, sentPerSecond },
    ...{ sustainedPerPod: sustained, targetRatePerPod, podsAverage, podsPeak, minReplicas, maxReplicas },
    ...{ inFlight: defaults.inFlight, inProgress: sentPerSecond * (defaults.serviceMs / 1_000), rateLimitPerSecond: limit },
    ackPendingMax: Math.max(1_000, 2 * maxReplicas * defaults.inFlight),
    outageBytes: peakPerSecond * demand.outageHours * 3_600 * bytes,
  };
}

function warningsOf({ channel, averagePerSecond, peakPerSecond, rateLimitPerSecond: limit }: ChannelPlan): string[] {
  if (limit === undefined || peakPerSecond <= limit) return [];
  const per = (n: number) => Math.round(n).toLocaleString("en");
  if (averagePerSecond >= limit)
    return [
      `${channel}: the average of ${per(averagePerSecond)}/s exceeds the limit of ${per(limit)}/s: the queue grows without end; ask the provider for a higher limit`,
    ];
  const minutes = Math.ceil(((peakPerSecond - limit) * 60) / (limit - averagePerSecond));
  return [
    `${channel}: the peak of ${per(peakPerSecond)}/s exceeds the limit of ${per(limit)}/s: an hour of it leaves ${per((peakPerSecond - limit) * 3_600)} tasks waiting, which drain in ${minutes} min of average load`,
  ];
}

function planServices(channels: readonly ChannelPlan[], { peakFactor }: Demand): ServicePlan[] {
  const peak = sum(channels.map((c) => c.peakPerSecond));
  const cost = (of: (c: ChannelPlan) => number) => sum(channels.map((c) => c.peakPerSecond * of(c))) / 1_000;
  const answering = (service: string, cores: number): ServicePlan => {
    const pods = (share: number) => Math.max(2, Math.ceil(share / (SERVICE_CORES * SERVICE_SHARE)));
    return { service, cores, podsAverage: pods(cores / peakFactor), podsPeak: pods(cores), maxReplicas: Math.max(4, 2 * pods(cores)) };
  };
  const fixed = (service: string, cores: number): ServicePlan => ({ service, cores, podsAverage: 2, podsPeak: 2, maxReplicas: 2 });
  const relay = (peak * RELAYED_SHARE * CALL_COSTS.relayMs) / 1_000;
  return [
    answering("gateway", (peak * CALL_COSTS.gatewaySendMs) / 1_000),
    answering("preferences", (peak * CALL_COSTS.preferencesMs) / 1_000 + cost((c) => TASK_COSTS[c.channel].preferencesMs)),
    {
      ...fixed("relay", relay),
      podsPeak: Math.max(2, Math.ceil(relay / SERVICE_CORES) + 1),
      maxReplicas: Math.max(2, Math.ceil(relay / SERVICE_CORES) + 1),
    },
    answering(
      "feedback",
      cost((c) => TASK_COSTS[c.channel].feedbackMs),
    ),
    fixed("autoscaler", 0),
  ];
}

const writesOf = (channel: Channel) => WRITES_PER_DELIVERY + (isPush(channel) ? 0 : RECEIPTS_STORED);

function planStore(channels: readonly ChannelPlan[], demand: Demand): Plan["store"] {
  const perSecond = (rate: (c: ChannelPlan) => number) => sum(channels.map((c) => rate(c) * (writesOf(c.channel) + 3 * RELAYED_SHARE)));
  const [writesAverage, writesPeak] = [perSecond((c) => c.averagePerSecond), perSecond((c) => c.sentPerSecond)];
  const bytesPerDay = sum(channels.map((c) => c.perDay * storedBytes(c.channel, demand)));
  const indexBytesRetained =
    sum(channels.map((c) => c.perDay)) * demand.metadataDays * (INDEX_BYTES.notification + INDEX_BYTES.attempt * (1 + RELAYED_SHARE));
  const diskBytesPerSecond = DISK_WRITE_FACTOR * sum(channels.map((c) => c.sentPerSecond * storedBytes(c.channel, demand)));
  const contentBytesPerDay = sum(channels.map((c) => c.perDay * demand.contentBytes[contentPart(c.channel)]));
  const contentDays = Math.min(demand.contentDays, demand.metadataDays);
  const bytesRetained = contentBytesPerDay * contentDays + (bytesPerDay - contentBytesPerDay) * demand.metadataDays;
  // Working set: deliveries that still change, and the part of the id indexes that repeated keys read.
  const hot = indexBytesRetained / 4 + sum(channels.map((c) => c.peakPerSecond * WRITTEN_SECONDS * storedBytes(c.channel, demand)));
  return {
    ...{ writesAverage, writesPeak, bytesPerDay, bytesRetained, indexBytesRetained, diskBytesPerSecond },
    iops: Math.ceil(writesPeak / WRITES_PER_IO / 100) * 100,
    cores: Math.max(2, powerOfTwo(writesPeak / STORE_WRITES_PER_CORE)),
    // WiredTiger's cache is half of it.
    memoryGib: Math.max(8, powerOfTwo((2 * hot) / GIB)),
    diskGib: Math.ceil((1.3 * bytesRetained) / GIB / 10) * 10,
  };
}

/** Before compression: snappy halves text and leaves random bytes as they are. */
export function storedBytes(channel: Channel, { contentBytes }: Pick<Demand, "contentBytes">): number {
  const { notificationBytes, attemptBytes } = TASK_COSTS[channel];
  const attempts = 1 + RELAYED_SHARE;
  return (
    notificationBytes + contentBytes[contentPart(channel)] + attempts * (attemptBytes + INDEX_BYTES.attempt) + INDEX_BYTES.notification
  );
}

function planRedis(channels: readonly ChannelPlan[], { optOuts }: Demand): Plan["redis"] {
  const sent = sum(channels.map((c) => c.sentPerSecond));
  const claims = sent * CLAIM_SECONDS;
  const [claimBytes, optOutBytes] = [claims * CLAIM_BYTES, optOutMemory(optOuts, { intsetEntries: INTSET_ENTRIES_ADVISED }).bytes];
  // Per send one claim and two opt-out checks; requests for tokens depend on the number of pods, not of tasks.
  const operationsPeak = sent * 3 + sum(channels.filter((c) => c.rateLimitPerSecond !== undefined).map((c) => c.maxReplicas * 40));
  return {
    claims,
    claimBytes,
    optOutBytes,
    operationsPeak,
    memoryMib: Math.max(256, powerOfTwo((2 * (claimBytes + optOutBytes)) / 2 ** 20)),
  };
}

function planNats(channels: readonly ChannelPlan[]): Plan["nats"] {
  const peak = sum(channels.map((c) => c.peakPerSecond));
  const outageBytes = sum(channels.map((c) => c.outageBytes));
  const streamBytesMax = Math.max(1, powerOfTwo(Math.max(...channels.map((c) => c.outageBytes), 0) / GIB)) * GIB;
  return {
    // Published, delivered, acknowledged.
    ...{ messagesPeak: 3 * peak, outageBytes, streams: CHANNELS.length, streamBytesMax, servers: 3 },
    ackPendingMax: Math.max(...channels.map((c) => c.ackPendingMax), 1_000),
    diskGib: Math.ceil((1.3 * streamBytesMax * CHANNELS.length) / GIB),
    duplicateMib: (peak * DUPLICATE_SECONDS * DUPLICATE_BYTES) / 2 ** 20,
  };
}
