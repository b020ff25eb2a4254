import { CHANNELS } from "../../core/delivery/channel.ts";
import type { ChannelPlan } from "../../operations/capacity/capacity.ts";
import { type Plan, POD_CORES } from "../../operations/capacity/capacity.ts";

type Yaml = { [key: string]: Yaml | string | number | boolean | null };

/** The chart's values that follow from the plan. */
export function capacityValues(plan: Plan): Yaml {
  const service = (name: string): Yaml => {
    const { podsAverage: minReplicas, maxReplicas } = plan.services.find((s) => s.service === name)!;
    return { autoscaling: { enabled: true, minReplicas, maxReplicas } };
  };
  const dispatchers: Yaml = {};
  for (const channel of CHANNELS) {
    const planned = plan.channels.find((c) => c.channel === channel);
    dispatchers[channel] = planned ? dispatcher(planned) : { enabled: false };
  }
  return {
    gateway: service("gateway"),
    preferences: service("preferences"),
    feedback: service("feedback"),
    relay: { replicas: plan.services.find((s) => s.service === "relay")!.podsPeak },
    autoscaler: { replicas: 2 },
    nats: { streamReplicas: plan.nats.servers, streamBytesMax: plan.nats.streamBytesMax, ackPendingMax: plan.nats.ackPendingMax },
    dispatcherDefaults: { resources: { requests: { cpu: `${POD_CORES * 1_000}m` } } },
    dispatchers,
  };
}

const dispatcher = ({ inFlight, rateLimitPerSecond, ...c }: ChannelPlan): Yaml => ({
  inFlight,
  ...(rateLimitPerSecond === undefined ? {} : { rateLimit: { perSecond: rateLimitPerSecond } }),
  autoscaling: {
    minReplicas: c.minReplicas,
    maxReplicas: c.maxReplicas,
    targetRatePerPod: c.targetRatePerPod,
    fallbackReplicas: Math.max(c.minReplicas, Math.min(c.podsPeak, c.maxReplicas)),
  },
});

/** YAML of maps whose values need no quotes. */
export function toYaml(value: Yaml, indent = ""): string {
  return Object.entries(value)
    .map(([key, of]) =>
      typeof of === "object" && of !== null ? `${indent}${key}:\n${toYaml(of, `${indent}  `)}` : `${indent}${key}: ${of}\n`,
    )
    .join("");
}
