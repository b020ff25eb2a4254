import { readFileSync } from "node:fs";
import { natsVariables } from "../adapters/nats/connect.ts";
import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import { type ChannelScaling, SCALING_DEFAULTS } from "../core/scaling/scaling.ts";
import { ms, text, type Variable } from "../runtime/config.ts";
import { parseJson } from "../runtime/parse-json.ts";
import { internalTlsVariables } from "../runtime/tls/grpc-tls.ts";
import type { Scalings } from "./rates.ts";

/** Wide, but a typing error must not fill a cluster with pods. */
const BOUNDS: Record<keyof ChannelScaling, { min: number; max: number }> = {
  targetRatePerPod: { min: 0.01, max: 100_000 },
  drainMs: { min: 1_000, max: 86_400_000 },
  maxAgeMs: { min: 1_000, max: 86_400_000 },
  serviceMs: { min: 1, max: 600_000 },
  rateLimitPerSecond: { min: 0.01, max: 1_000_000 },
  minReplicas: { min: 0, max: 10_000 },
  maxReplicas: { min: 1, max: 10_000 },
  inFlight: { min: 1, max: 10_000 },
};
const WHOLE: readonly (keyof ChannelScaling)[] = ["minReplicas", "maxReplicas", "inFlight"];

const fault = (text: string): never => {
  throw new Error(text);
};

/** Every channel's scaling, from `{ "<channel>": { "drainMs": … } }` over the defaults. Throws an Error that names the rule. */
export function parseScalings(json: string): Scalings {
  const given = parseJson(json);
  if (given === undefined) return fault("the file must hold JSON");
  const scalings: Record<Channel, ChannelScaling> = { ...SCALING_DEFAULTS };
  for (const [name, settings] of entriesOf(given, "the file")) {
    const channel = CHANNELS.find((c) => c === name) ?? fault(`the file may name ${CHANNELS.join(", ")}; another name is in it`);
    const scaling = { ...SCALING_DEFAULTS[channel] };
    for (const [setting, value] of entriesOf(settings, channel)) {
      if (!Object.hasOwn(BOUNDS, setting)) fault(`${channel} may hold ${Object.keys(BOUNDS).join(", ")}; another setting is in it`);
      const key = setting as keyof ChannelScaling;
      const { min, max } = BOUNDS[key];
      // The chart writes null for a value that is not set.
      if (value === null) continue;
      if (typeof value === "number" && value >= min && value <= max && (Number.isInteger(value) || !WHOLE.includes(key)))
        scaling[key] = value;
      else fault(`${channel}.${key} must be ${WHOLE.includes(key) ? "an integer" : "a number"} from ${min} to ${max}`);
    }
    if (scaling.maxReplicas < scaling.minReplicas) fault(`${channel}.maxReplicas must not be below minReplicas`);
    scalings[channel] = scaling;
  }
  return scalings;
}

function entriesOf(value: unknown, what: string): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fault(`${what} must be a JSON object`);
  return Object.entries(value);
}

const scalingsFile = (about: { default: string; reason: string }): Variable<Scalings> => ({
  type: "path of a JSON file",
  ...about,
  parse(path) {
    if (path === "") return SCALING_DEFAULTS;
    let json: string;
    try {
      json = readFileSync(path, "utf8");
    } catch (error) {
      return fault(`the file cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
    return parseScalings(json);
  },
});

export const autoscalerVariables = {
  ...natsVariables,
  ...internalTlsVariables,
  AUTOSCALER_LISTEN: text({ default: "0.0.0.0:7730", reason: "host:port of KEDA's external scaler (gRPC)" }),
  AUTOSCALER_RELEASE: text({
    default: "carillon",
    reason: "the metric's label `release`: distinguishes several installations in one cluster",
  }),
  AUTOSCALER_CHANNELS_FILE: scalingsFile({
    default: "",
    reason: "JSON: by channel, the rate of a pod and how fast a backlog must drain; empty: the defaults",
  }),
  // At most REPORT_LIFE_MS: a longer gap counts as lost readings, after which the rate is unknown for LISTEN_MS.
  AUTOSCALER_SAMPLE_MS: ms(200, 5_000, {
    default: "2000",
    reason: "between two readings of the queues, each 20 small requests to NATS. The HPA asks every 15 s",
  }),
};
