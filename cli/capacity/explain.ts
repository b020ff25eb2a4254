import { contentPart } from "../../core/delivery/channel.ts";
import { ARRIVAL_MARGIN, SCALING_DEFAULTS } from "../../core/scaling/scaling.ts";
import {
  CLAIM_SECONDS,
  DISK_WRITE_FACTOR,
  INDEX_BYTES,
  MAX_OVER_PEAK,
  type Plan,
  POD_CORES,
  RELAYED_SHARE,
  SERVICE_CORES,
  SERVICE_SHARE,
  storedBytes,
  TARGET_SHARE,
  WRITES_PER_IO,
} from "../../operations/capacity/capacity.ts";
import { CALL_COSTS, CLAIM_BYTES, STORE_WRITES_PER_CORE, TASK_COSTS } from "../../operations/capacity/measured-costs.ts";
import { INTSET_ENTRIES_ADVISED } from "../../operations/opt-out-memory/opt-out-memory.ts";
import { bytes, grouped } from "./report.ts";

const n = (value: number) => (value < 10 ? Number(value.toFixed(2)).toString() : grouped(value));

/** The formula of each figure in the report. */
export function explainCapacity(plan: Plan): string {
  return [...plan.channels.flatMap((c) => ofChannel(c, plan)), ...ofServices(plan), ...ofStore(plan), ...ofRedis(plan), ...ofNats(plan)]
    .map(([figure, formula]) => `${figure}\n    = ${formula}`)
    .join("\n");
}

type Formula = readonly [figure: string, formula: string];

function ofChannel(c: Plan["channels"][number], { demand }: Plan): Formula[] {
  const { serviceMs, inFlight, minReplicas } = SCALING_DEFAULTS[c.channel];
  const { dispatcherMs, streamBytes } = TASK_COSTS[c.channel];
  const content = demand.contentBytes[contentPart(c.channel)];
  const limit = c.rateLimitPerSecond;
  return [
    [`${c.channel} avg/s ${n(c.averagePerSecond)}, peak/s ${n(c.peakPerSecond)}`, `per day / 86,400 s; × peak factor ${demand.peakFactor}`],
    [
      `${c.channel} per pod/s ${n(c.sustainedPerPod)}`,
      `the lower of ${POD_CORES} core / ${dispatcherMs} ms of CPU per task (measured), and in flight ${inFlight} / ${serviceMs} ms of service time`,
    ],
    [`${c.channel} target/s ${c.targetRatePerPod}`, `${TARGET_SHARE} × per pod/s, rounded down`],
    [
      `${c.channel} pods avg ${c.podsAverage}, peak ${c.podsPeak}`,
      `ceil(${ARRIVAL_MARGIN} × arrivals/s${limit ? `, at most ${limit}` : ""} / target)`,
    ],
    [
      `${c.channel} min-max ${c.minReplicas}-${c.maxReplicas}`,
      `min: the higher of pods avg and ${minReplicas}; max: the higher of 2 × min and ${MAX_OVER_PEAK} × pods peak${limit ? `, at most ceil(${limit} / target) + 1` : ""}`,
    ],
    [`${c.channel} in progress ${Math.ceil(c.inProgress)}`, `sent/s × ${serviceMs} ms of service time (Little's law)`],
    [`${c.channel} ack pending ${grouped(c.ackPendingMax)}`, `the higher of 2 × max pods × in flight, and 1,000`],
    [
      `${c.channel} after an outage ${bytes(c.outageBytes)}`,
      `peak/s × ${n(demand.outageHours)} h × (${streamBytes} B measured + ${n(content)} B of content)`,
    ],
  ];
}

function ofServices({ services }: Plan): Formula[] {
  const of = (service: string) => services.find((s) => s.service === service)!;
  const perCost = `pods: ceil(cores / (${SERVICE_CORES} requested × ${SERVICE_SHARE})), at least 2; max: twice the pods at the peak`;
  return [
    [
      `gateway ${n(of("gateway").cores)} cores`,
      `peak/s × ${CALL_COSTS.gatewaySendMs} ms per notification (${CALL_COSTS.gatewayBatchMs} ms in batches of 100); ${perCost}`,
    ],
    [
      `preferences ${n(of("preferences").cores)} cores`,
      `peak/s × (${CALL_COSTS.preferencesMs} ms for the gateway's opt-out check + each channel's own)`,
    ],
    [
      `relay ${n(of("relay").cores)} cores`,
      `peak/s × ${RELAYED_SHARE} retried or scheduled (assumed) × ${CALL_COSTS.relayMs} ms; one spare pod`,
    ],
    [`feedback ${n(of("feedback").cores)} cores`, "peak/s of SMS and e-mail × measured ms for two receipts each"],
    ["autoscaler 2 pods", "one, and a spare"],
  ];
}

function ofStore({ store, channels, demand }: Plan): Formula[] {
  const each = channels.map((c) => `${c.channel} ${n(storedBytes(c.channel, demand))} B`).join(", ");
  return [
    [
      `MongoDB ${grouped(store.writesPeak)} writes/s at the peak`,
      `sent/s × (4: insert, claim, outcome, end; 5 with a receipt) + 3 for each of ${RELAYED_SHARE} retried`,
    ],
    [
      `MongoDB ${bytes(store.bytesPerDay)} per day`,
      `per day × (notification and attempts as BSON, measured, + content + index entries of ${INDEX_BYTES.notification} and ${INDEX_BYTES.attempt} B): ${each}`,
    ],
    [
      `MongoDB ${bytes(store.diskBytesPerSecond)}/s to disk`,
      `bytes stored/s at the peak × ${DISK_WRITE_FACTOR} for journal and checkpoint (assumed)`,
    ],
    [`MongoDB ${grouped(store.iops)} IOPS`, `writes/s / ${WRITES_PER_IO} documents per page (assumed), rounded up to a hundred`],
    [
      `MongoDB ${store.cores} cores`,
      `writes/s / ${grouped(STORE_WRITES_PER_CORE)} per core (measured on a stand-in, not on MongoDB), rounded up to a power of two`,
    ],
    [
      `MongoDB ${store.memoryGib} GiB`,
      "2 × (ten minutes of the peak + a quarter of the indexes), because half of it is cache; rounded up to a power of two",
    ],
    [
      `MongoDB ${grouped(store.diskGib)} GiB`,
      `1.3 × (content per day × ${n(demand.contentDays)} days + the rest per day × ${n(demand.metadataDays)} days), after which a relay removes them`,
    ],
  ];
}

function ofRedis({ redis }: Plan): Formula[] {
  return [
    [`Redis ${grouped(redis.claims)} claims, ${bytes(redis.claimBytes)}`, `sent/s × ${CLAIM_SECONDS} s × ${CLAIM_BYTES} B (measured)`],
    [
      `Redis opt-outs ${bytes(redis.optOutBytes)}`,
      `by \`carillon preferences memory\`, with set-max-intset-entries ${INTSET_ENTRIES_ADVISED}`,
    ],
    [
      `Redis ${grouped(redis.operationsPeak)} operations/s`,
      "sent/s × 3 (a claim, two opt-out checks) + 40 for each pod of a channel with a limit",
    ],
    [`Redis ${redis.memoryMib} MiB`, "2 × claims and opt-outs, at least 256, rounded up to a power of two"],
  ];
}

function ofNats({ nats }: Plan): Formula[] {
  return [
    [`NATS ${grouped(nats.messagesPeak)} messages/s`, "3 × peak/s"],
    [`NATS max_bytes ${bytes(nats.streamBytesMax)}`, "the channel with the most after the outage, rounded up to a power of two GiB"],
    [`NATS ${grouped(nats.diskGib)} GiB each`, `1.3 × ${nats.streams} streams × max_bytes; each server has a replica of each`],
    [`NATS duplicate window ${bytes(nats.duplicateMib * 2 ** 20)}`, "peak/s × 120 s × 280 B (measured)"],
  ];
}
