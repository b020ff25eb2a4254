import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type { Counter, Gauge, Histogram, Registry } from "prom-client";

/** One service's metrics. Each is declared beside what it counts, and the service's main passes the registry. */
export interface Metrics {
  readonly registry: Registry;
  /** Name ends in _total. */
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  /** Name ends in its unit: _seconds, _bytes, _count, _ratio, _per_second. */
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[], collect?: () => number): Gauge<L>;
  /** Name ends in its unit, as a gauge's; bounds are in that unit. */
  histogram<L extends string = never>(name: string, help: string, labels?: readonly L[], bounds?: readonly number[]): Histogram<L>;
}

/** Of a call or an attempt, in seconds: from a lookup in memory to a provider that times out. */
const SECONDS_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const COUNTER = /^carillon_[a-z0-9]+(_[a-z0-9]+)*_total$/;
const MEASURE = /^carillon_[a-z0-9]+(_[a-z0-9]+)*_(seconds|bytes|count|ratio|timestamp_seconds|per_second)$/;

/** @param service a label on every metric, so that roles sharing a process stay apart */
export function createMetrics(service: string, options: { defaults?: boolean } = {}): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  // Event loop, heap, handles: useful on a pod, not in a test.
  if (options.defaults) collectDefaultMetrics({ register: registry });

  const about = <L extends string>(form: RegExp, name: string, help: string, labels: readonly L[]) => {
    if (!form.test(name)) throw new Error(`metric ${name}: the name must match ${form.source}`);
    if (help.trim() === "") throw new Error(`metric ${name}: without help`);
    return { name, help, labelNames: labels, registers: [registry] };
  };
  return {
    registry,
    counter: (name, help, labels = []) => new Counter(about(COUNTER, name, help, labels)),
    gauge: (name, help, labels = [], read) =>
      new Gauge({
        ...about(MEASURE, name, help, labels),
        ...(read
          ? {
              collect() {
                this.set(read());
              },
            }
          : {}),
      }),
    histogram: (name, help, labels = [], bounds = SECONDS_BOUNDS) =>
      new Histogram({ ...about(MEASURE, name, help, labels), buckets: [...bounds] }),
  };
}

/** How long gRPC calls took; for serveHandlers' `seconds`. */
export const callSeconds = (metrics: Metrics) =>
  metrics.histogram("carillon_grpc_call_seconds", "Calls answered over gRPC and HTTP/JSON, by method and status code", ["method", "code"]);
