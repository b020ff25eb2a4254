// A kubelet for one namespace: each pod that is bound to a node becomes a process, is probed, reported, stopped by SIGTERM and
// killed after its grace period. So the status of pods in this namespace is real.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Api } from "./api.ts";
import { type Container, isReady, nodeArguments, type Pod } from "./pod.ts";
import { Missing, readEnv, writeVolumes } from "./pod-files.ts";
import { type PodProcess, startPodProcess } from "./pod-process.ts";
import { answersWell } from "./probe.ts";
import { loopbackOf, podIp } from "./services.ts";

const POLL_MS = 300;
/** Delay between a container's end and its restart, with restartPolicy Always. */
const RESTART_MS = 1_000;
const GRACE_DEFAULT_SECONDS = 30;
/** In place of the image's /app. */
const IMAGE_ROOT = join(import.meta.dirname, "../..");
/** The same in every cluster, so no variable of the specification names it. */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface KubeletOptions {
  api: Api;
  namespace: string;
  /** Folder of the pods' logs and files. */
  directory: string;
  namesFile: string;
  /** The API server's address, for pods that call it. */
  apiPort: number;
  /** Variables that replace the specification's in every pod: addresses of this machine. */
  env: Record<string, string>;
  say(line: string): void;
}

/** A process that ended, and why. */
export interface PodEnd {
  pod: string;
  component: string;
  /** "exit 0", "SIGKILL". */
  how: string;
  /** Its pod had been deleted. */
  asked: boolean;
  /** From SIGTERM to the end; undefined: it was not asked to end. */
  tookMs: number | undefined;
  at: number;
}

export interface Kubelet extends AsyncDisposable {
  /** Running processes by pod's name. */
  running(component?: string): { pod: string; component: string; address: string; pid: number | undefined }[];
  /** Ready pods' addresses. */
  ready(component: string): string[];
  readonly ends: readonly PodEnd[];
  logFile(pod: string): string;
}

interface Kept {
  pod: Pod;
  component: string;
  ip: string;
  process: PodProcess | undefined;
  ready: boolean;
  restarts: number;
  ending: boolean;
  startedAt: string;
  /** Set while a change of it is in progress. */
  busy: boolean;
}

const componentOf = (pod: Pod) => pod.metadata.labels?.["app.kubernetes.io/component"] ?? "";

export function startKubelet(options: KubeletOptions): Kubelet {
  const { api, namespace, directory, say } = options;
  const stopping = new AbortController();
  const pods = new Map<string, Kept>();
  const ends: PodEnd[] = [];
  const works = new Set<Promise<void>>();
  let addresses = 0;
  const logFile = (pod: string) => join(directory, "logs", `${pod}.log`);
  mkdirSync(join(directory, "logs"), { recursive: true });

  const path = ({ metadata }: Pod) => `/api/v1/namespaces/${namespace}/pods/${metadata.name}`;

  /** Runs one change at a time per pod; an error is printed, and the next iteration retries. */
  function work(kept: Kept, what: () => Promise<void>): void {
    if (kept.busy) return;
    kept.busy = true;
    const done = what()
      .catch((error: unknown) => say(`${kept.pod.metadata.name}: ${error instanceof Error ? error.message : String(error)}`))
      .finally(() => {
        kept.busy = false;
        works.delete(done);
      });
    works.add(done);
  }

  async function run(kept: Kept): Promise<void> {
    const { pod, ip } = kept;
    const container = pod.spec.containers[0]!;
    if (pod.spec.containers.length > 1 || (pod.spec.initContainers ?? []).length > 0)
      throw new Error("this kubelet runs one container a pod");
    const root = join(directory, "pods", pod.metadata.name);
    const mounts = await writeVolumes(api, pod, container, root, ip);
    const given = await readEnv(api, pod, container, ip);
    const inRoot = (value: string) => (mounts.some((m) => value === m || value.startsWith(`${m}/`)) ? join(root, value) : value);
    const env: Record<string, string> = {
      ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, inRoot(value)])),
      ...options.env,
      ...{ POD_ADDRESS: loopbackOf(ip), POD_NAMES_FILE: options.namesFile, HOSTNAME: pod.metadata.name },
      ...{
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBERNETES_SERVICE_PORT: `${options.apiPort}`,
        AUTOSCALER_METRICS_API_SERVICE_ACCOUNT_DIR: join(root, SERVICE_ACCOUNT),
      },
    };
    // It may have been deleted meanwhile.
    if (kept.ending) return;
    const process = startPodProcess({ args: nodeArguments(container, IMAGE_ROOT), env, logFile: logFile(pod.metadata.name) });
    kept.process = process;
    kept.startedAt = new Date().toISOString();
    void process.ended.then((how) => {
      // A container without restart that exits with 0 has succeeded.
      const isDone = how === "exit 0" && (pod.spec.restartPolicy ?? "Always") !== "Always";
      if (!kept.ending && !isDone)
        ends.push({ pod: pod.metadata.name, component: kept.component, how, asked: false, tookMs: undefined, at: Date.now() });
    });
    await report(kept, container, { running: { startedAt: kept.startedAt } });
  }

  async function report(kept: Kept, { name, image }: Container, state: object, phase = "Running"): Promise<void> {
    const { ready, restarts, ip } = kept;
    const now = new Date().toISOString();
    const condition = (type: string, is: boolean) => ({ type, status: is ? "True" : "False", lastTransitionTime: now });
    const about = { name, image, imageID: "", ready, restartCount: restarts, started: true, state };
    const scheduled = kept.pod.status?.conditions?.filter((c) => c.type === "PodScheduled") ?? [];
    const conditions = [...scheduled, condition("Initialized", true), condition("ContainersReady", ready), condition("Ready", ready)];
    const status = { phase, podIP: ip, podIPs: [{ ip }], startTime: kept.startedAt, conditions, containerStatuses: [about] };
    await api.patch(`${path(kept.pod)}/status`, { status });
  }

  /** Starts the container if it should run, and reports its status. */
  async function attend(kept: Kept): Promise<void> {
    const { pod, process } = kept;
    const container = pod.spec.containers[0]!;
    if (process === undefined) return run(kept);
    if (!process.isRunning) {
      const how = await process.ended;
      kept.ready = false;
      const policy = pod.spec.restartPolicy ?? "Always";
      const isWell = how === "exit 0";
      if (policy === "Always" || (policy === "OnFailure" && !isWell)) {
        kept.restarts++;
        say(`${pod.metadata.name} ended by itself: ${how}`);
        await report(kept, container, { waiting: { reason: "CrashLoopBackOff" } });
        await delay(RESTART_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
        kept.process = undefined;
        return;
      }
      const finished = {
        exitCode: isWell ? 0 : 1,
        startedAt: kept.startedAt,
        finishedAt: new Date().toISOString(),
        reason: isWell ? "Completed" : "Error",
      };
      await report(kept, container, { terminated: finished }, isWell ? "Succeeded" : "Failed");
      return;
    }
    const address = loopbackOf(kept.ip);
    const started = kept.ready || (await answersWell(container.startupProbe, container, address));
    const ready = started && (await answersWell(container.readinessProbe, container, address));
    if (ready === kept.ready || kept.ending) return;
    kept.ready = ready;
    await report(kept, container, { running: { startedAt: kept.startedAt } });
  }

  /** SIGTERM, the pod's grace period, SIGKILL; then deletes the pod. */
  async function end(kept: Kept): Promise<void> {
    const { pod, process } = kept;
    const grace = (pod.metadata.deletionGracePeriodSeconds ?? GRACE_DEFAULT_SECONDS) * 1_000;
    const container = pod.spec.containers[0]!;
    if (process?.isRunning) {
      const sleep = Math.min(grace, (container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1_000);
      await Promise.race([delay(sleep), process.ended]);
      const askedAt = performance.now();
      process.signal("SIGTERM");
      const timer = setTimeout(() => process.signal("SIGKILL"), grace - sleep);
      const how = await process.ended;
      clearTimeout(timer);
      const tookMs = Math.round(performance.now() - askedAt);
      ends.push({ pod: pod.metadata.name, component: kept.component, how, asked: true, tookMs, at: Date.now() });
      if (how !== "exit 0") say(`${pod.metadata.name} was asked to end, and ended by ${how} after ${tookMs} ms`);
    }
    await api.remove(path(pod));
    pods.delete(pod.metadata.uid);
  }

  async function poll(): Promise<void> {
    const listed = await api.list<Pod>(`/api/v1/namespaces/${namespace}/pods`);
    for (const pod of listed) {
      if (pod.spec.nodeName === undefined) continue;
      const { uid } = pod.metadata;
      const isOver = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
      let kept = pods.get(uid);
      if (kept === undefined) {
        if (isOver && pod.metadata.deletionTimestamp === undefined) continue;
        const first = { component: componentOf(pod), ip: podIp(addresses++), process: undefined, ready: false, restarts: 0, ending: false };
        kept = { pod, ...first, startedAt: new Date().toISOString(), busy: false };
        pods.set(uid, kept);
      }
      const one = kept;
      one.pod = pod;
      if (pod.metadata.deletionTimestamp !== undefined) {
        one.ending = true;
        work(one, () => end(one));
      } else if (!isOver)
        work(one, () => attend(one).catch((error: unknown) => (error instanceof Missing ? undefined : Promise.reject(error))));
    }
    // A deletion without grace does not wait for this kubelet.
    const there = new Set(listed.map((p) => p.metadata.uid));
    for (const [uid, kept] of pods)
      if (!there.has(uid) && !kept.busy) {
        kept.ending = true;
        kept.process?.signal("SIGKILL");
        pods.delete(uid);
      }
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await poll().catch((error: unknown) => say(`kubelet: ${error instanceof Error ? error.message : String(error)}`));
      await delay(POLL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();

  return {
    ends,
    logFile,
    running: (component) =>
      [...pods.values()]
        .filter((k) => k.process?.isRunning && (component === undefined || k.component === component))
        .map((k) => ({ pod: k.pod.metadata.name, component: k.component, address: loopbackOf(k.ip), pid: k.process?.pid })),
    ready: (component) =>
      [...pods.values()].filter((k) => k.component === component && k.ready && isReady(k.pod)).map((k) => loopbackOf(k.ip)),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await loop;
      for (const kept of pods.values()) {
        kept.ending = true;
        kept.process?.signal("SIGKILL");
      }
      await Promise.all([...pods.values()].map((k) => k.process?.ended));
      await Promise.allSettled(works);
    },
  };
}
