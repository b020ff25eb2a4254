import type { RequiredRates } from "../required.ts";
import { parseSelector, selects } from "./selector.ts";
import { type Answer, failure, ok } from "./status.ts";

export const GROUP = "external.metrics.k8s.io";
export const VERSION = "v1beta1";
export const METRIC = "carillon_required_per_second";
const GROUP_VERSION = `${GROUP}/${VERSION}`;

/** Above every possible rate; keeps the HPA's 64-bit sum from overflowing. */
const MILLI_MAX = 1e15;

export interface Served {
  rates: RequiredRates;
  /** The label `release`, which distinguishes installations. */
  release: string;
}

/**
 * The ExternalMetricValueList of the selected channels. The HPA adds the items up, so one unknown rate makes the answer a failure: a sum without
 * it would scale in. Without items, or on a failure, the HPA keeps its pods.
 */
export function requiredPerSecond({ rates, release }: Served, labelSelector: string): Answer {
  const selector = parseSelector(labelSelector);
  if ("part" in selector) return failure("BadRequest", `labelSelector: "${selector.part}" is not a requirement on a label`);
  const items: object[] = [];
  for (const channel of rates.channels) {
    const labels = { channel, release };
    if (!selects(selector, labels)) continue;
    const rate = rates.current(channel);
    if (rate.kind === "unknown") return failure("ServiceUnavailable", `the required rate of ${channel} is not known: ${rate.why}`);
    items.push({
      metricName: METRIC,
      metricLabels: labels,
      timestamp: rfc3339(rate.at),
      value: quantity(rate.perSecond, rate.active),
    });
  }
  return ok({ kind: "ExternalMetricValueList", apiVersion: GROUP_VERSION, metadata: {}, items });
}

/** In thousandths, rounded up. Never 0 while a channel has tasks, or an HPA with minReplicas 0 would start no pod for them. */
export const quantity = (perSecond: number, active: boolean) =>
  `${Math.min(MILLI_MAX, Math.max(active ? 1 : 0, Math.ceil(perSecond * 1_000)))}m`;

/** To the second, as meta/v1 Time is written. */
const rfc3339 = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

const version = { groupVersion: GROUP_VERSION, version: VERSION };
const group = { name: GROUP, versions: [version], preferredVersion: version };

/** By path. The aggregator checks availability at the last, and clients find the group by the others. */
export const DISCOVERY: Readonly<Record<string, object>> = {
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [group] },
  [`/apis/${GROUP}`]: { kind: "APIGroup", apiVersion: "v1", ...group },
  [`/apis/${GROUP_VERSION}`]: {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: GROUP_VERSION,
    resources: [{ name: METRIC, singularName: "", namespaced: true, kind: "ExternalMetricValueList", verbs: ["get"] }],
  },
};
