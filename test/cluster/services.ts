// kube-proxy and the cluster's DNS for pods that are processes: a Service's address, which is a loopback address here,
// forwards to its ready pods alternately, and names resolve to addresses.
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Api, KubeObject } from "./api.ts";

interface Service extends KubeObject {
  spec: { type?: string; clusterIP?: string; externalName?: string; ports?: { name?: string; port: number; protocol?: string }[] };
}
interface EndpointSlice extends KubeObject {
  endpoints?: { addresses: string[]; conditions?: { ready?: boolean } }[];
  ports?: { name?: string; port: number }[];
}
interface Target {
  host: string;
  port: number;
}

const POLL_MS = 300;

/** A pod's address in the API, where loopback addresses are not allowed in endpoints, and where its process really listens. */
export const podIp = (n: number) => `10.97.${Math.floor(n / 250)}.${1 + (n % 250)}`;
export const loopbackOf = (ip: string) => ip.replace(/^10\.97\./, "127.97.");

export interface ServiceNetwork extends AsyncDisposable {
  /** For pod-network.ts. */
  namesFile: string;
}

/** Follows the Services of a namespace and their endpoints. */
export function serveServices(api: Api, namespace: string, namesFile: string, say: (line: string) => void): ServiceNetwork {
  const stopping = new AbortController();
  const listeners = new Map<string, net.Server>();
  const targets = new Map<string, Target[]>();
  const sockets = new Set<net.Socket>();
  let written = "";
  let turn = 0;

  async function listen(address: string, port: number): Promise<void> {
    const key = `${address}:${port}`;
    const server = net.createServer((from) => {
      const ready = targets.get(key) ?? [];
      const target = ready[turn++ % ready.length];
      if (target === undefined) return void from.destroy();
      const to = net.connect(target);
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    listeners.set(key, server);
    server.on("error", (error) => say(`service ${key}: ${error.message}`));
    server.listen(port, address);
    await once(server, "listening").catch(() => undefined);
  }

  async function poll(): Promise<void> {
    const [services, slices] = await Promise.all([
      api.list<Service>(`/api/v1/namespaces/${namespace}/services`),
      api.list<EndpointSlice>(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`),
    ]);
    const names: Record<string, string[]> = {};
    const wanted = new Set<string>();
    for (const { metadata, spec } of services) {
      const own = slices.filter((s) => s.metadata.labels?.["kubernetes.io/service-name"] === metadata.name);
      const ready = own.flatMap((s) => s.endpoints ?? []).filter((e) => e.conditions?.ready !== false);
      const isHeadless = spec.clusterIP === "None";
      const addresses = isHeadless ? ready.flatMap((e) => e.addresses.map(loopbackOf)) : spec.clusterIP ? [spec.clusterIP] : [];
      for (const suffix of ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`])
        names[`${metadata.name}${suffix}`] = addresses;
      if (isHeadless || !spec.clusterIP) continue;
      for (const { name = "", port } of spec.ports ?? []) {
        const key = `${spec.clusterIP}:${port}`;
        wanted.add(key);
        const slicesOfPort = own.flatMap((s) => (s.ports ?? []).filter((p) => (p.name ?? "") === name).map((p) => ({ s, port: p.port })));
        targets.set(
          key,
          slicesOfPort.flatMap(({ s, port: to }) =>
            (s.endpoints ?? [])
              .filter((e) => e.conditions?.ready !== false)
              .flatMap((e) => e.addresses.map((a) => ({ host: loopbackOf(a), port: to }))),
          ),
        );
        if (!listeners.has(key)) await listen(spec.clusterIP, port);
      }
    }
    for (const [key, server] of listeners)
      if (!wanted.has(key)) {
        server.close();
        listeners.delete(key);
      }
    const text = JSON.stringify(names);
    if (text === written) return;
    // Replaced atomically: a pod may read it at any moment.
    writeFileSync(`${namesFile}.new`, text);
    renameSync(`${namesFile}.new`, namesFile);
    written = text;
  }

  writeFileSync(namesFile, "{}");
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await poll().catch((error: unknown) => say(`services: ${error instanceof Error ? error.message : String(error)}`));
      await delay(POLL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    namesFile,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
      for (const server of listeners.values()) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
