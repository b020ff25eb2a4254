import type { RequiredRates } from "../required.ts";
import { parseSelector, selects } from "./selector.ts";
import { type Answer, failure, ok } from "./status.ts";

export const GROUP = "external.metrics.k8s.io";
export const VERSION = "v1beta1";
export const METRIC = "carillon_required_per_second";
const GROUP_VERSION = `${GROUP}/${VERSION}`;

/** Above every rate there is; keeps a quantity within the 64 bits that the HPA adds up. */
const MILLI_MAX = 1e15;

export interface Served {
  rates: RequiredRates;
  /** The label `release`: two installations are told apart by it. */
  release: string;
}

/**
 * The ExternalMetricValueList of the channels selected. The HPA adds the items up, so where one of several is unknown the whole is: a sum
 * without it would look like less work, and scale in. No item, or any failure, and the HPA keeps the pods there are.
 */
export function requiredPerSecond({ rates, release }: Served, labelSelector: string): Answer {
  const selector = parseSelector(labelSelector);
  if ("part" in selector) return failure("BadRequest", `labelSelector: "${selector.part}" is not a requirement on a label`);
  const items: object[] = [];
  for (const channel of rates.channels) {
    const labels = { channel, release };
    if (!selects(selector, labels)) continue;
    const rate = rates.current(channel);
    if (rate.kind === "unknown") return failure("ServiceUnavailable", `what ${channel} requires is not known: ${rate.why}`);
    items.push({
      metricName: METRIC,
      metricLabels: labels,
      timestamp: rfc3339(rate.at),
      value: quantity(rate.perSecond, rate.active),
    });
  }
  return ok({ kind: "ExternalMetricValueList", apiVersion: GROUP_VERSION, metadata: {}, items });
}

/** In thousandths, rounded up: what is needed is never 0 where there is work, or an HPA with minReplicas 0 would leave it lying. */
export const quantity = (perSecond: number, active: boolean) =>
  `${Math.min(MILLI_MAX, Math.max(active ? 1 : 0, Math.ceil(perSecond * 1_000)))}m`;

/** To the second, as meta/v1 Time is written. */
const rfc3339 = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

const version = { groupVersion: GROUP_VERSION, version: VERSION };
const group = { name: GROUP, versions: [version], preferredVersion: version };

/** By path. The second is what the aggregator asks for to see whether we are there, the first what it reads the resources from. */
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
