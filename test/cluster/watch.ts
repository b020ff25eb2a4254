// Samples everything the timeline shows once per second.
import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "./cluster.ts";
import { NAMESPACE, type System } from "./system.ts";
import type { Sample, Timeline } from "./timeline.ts";
import type { Traffic } from "./traffic.ts";

interface Hpa {
  status?: { desiredReplicas?: number; currentReplicas?: number; conditions?: { type: string; status: string; reason: string }[] };
}
interface Deployment {
  spec: { replicas: number };
  status?: { readyReplicas?: number };
}

const EVERY_MS = 1_000;
const METRICS_MS = 800;

export interface Watch extends AsyncDisposable {
  timeline: Timeline;
  /** Seconds since the beginning. */
  now(): number;
  mark(what: string): void;
  /** Runs `what` as a scene with this name. */
  scene<T>(name: string, what: () => Promise<T>): Promise<T>;
  /** Samples taken since then. */
  since(at: number): Sample[];
  /** Waits until a number of consecutive samples satisfy the condition; rejects with its name and the last sample otherwise. */
  until(what: string, is: (sample: Sample) => boolean, withinMs: number, times?: number): Promise<Sample>;
}

export function startWatch(
  cluster: Cluster,
  system: System,
  traffic: Traffic,
  { channel, release }: { channel: string; release: string },
): Watch {
  const stopping = new AbortController();
  const timeline: Timeline = { samples: [], scenes: [], events: [] };
  const began = performance.now();
  const now = () => (performance.now() - began) / 1_000;
  const name = `${release}-dispatcher-${channel}`;

  async function poll(): Promise<void> {
    const [hpa, deployment, metrics] = await Promise.all([
      cluster.api.get<Hpa>(`/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers/${name}`),
      cluster.api.get<Deployment>(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${name}`),
      readMetrics(system.kubelet.ready("autoscaler")[0]),
    ]);
    const value = (metric: string) => metricValue(metrics, metric, channel);
    const active = hpa?.status?.conditions?.find((c) => c.type === "ScalingActive");
    const held = value("carillon_scaling_held_count");
    const { count, oldest } = traffic.open();
    timeline.samples.push({
      ...{ at: now(), offered: traffic.takeOffered(), required: value("carillon_required_per_second") },
      ...{ wanted: hpa?.status?.desiredReplicas ?? 0, ready: deployment?.status?.readyReplicas ?? 0, open: count, oldest },
      scalingActive: active && active.status === "True",
      held: held === undefined ? undefined : held === 1,
    });
  }

  const running = (async () => {
    while (!stopping.signal.aborted) {
      const begun = performance.now();
      // A failed reading is a gap.
      await poll().catch(() => undefined);
      await delay(Math.max(0, EVERY_MS - (performance.now() - begun)), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();

  const since = (at: number) => timeline.samples.filter((s) => s.at >= at);
  return {
    ...{ timeline, now, since },
    mark: (what) => void timeline.events.push({ at: now(), what }),
    async scene(title, what) {
      const from = now();
      try {
        return await what();
      } finally {
        timeline.scenes.push({ name: title, from, to: now() });
      }
    },
    async until(what, is, withinMs, times = 3) {
      const from = now();
      for (;;) {
        const last = since(from).slice(-times);
        if (last.length === times && last.every(is)) return last.at(-1)!;
        if ((now() - from) * 1_000 > withinMs)
          throw new Error(`not within ${withinMs / 1_000} s: ${what}; lately ${JSON.stringify(timeline.samples.at(-1))}`);
        await delay(EVERY_MS / 4);
      }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

async function readMetrics(address: string | undefined): Promise<string> {
  if (address === undefined) return "";
  return fetch(`http://${address}:8080/metrics`, { signal: AbortSignal.timeout(METRICS_MS) }).then(
    (answer) => answer.text(),
    () => "",
  );
}

function metricValue(metrics: string, name: string, channel: string): number | undefined {
  const text = new RegExp(`^${name}\\{[^}]*channel="${channel}"[^}]*\\} (\\S+)$`, "m").exec(metrics)?.[1];
  return text === undefined ? undefined : Number(text);
}
