// The metrics API with an API server, and clients that call it as the front proxy does.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type Agent, request as httpsRequest } from "node:https";
import { after } from "node:test";
import { createLogger } from "../../../runtime/logger.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import type { RequiredRate } from "../../required.ts";
import { type MetricsApiOptions, startMetricsApi } from "../main.ts";
import { createSigner, type Pair } from "./front-proxy.ts";
import { configMapOf, type KubernetesApi, startKubernetesApi } from "./kubernetes-api.ts";

export const VERSION = "/apis/external.metrics.k8s.io/v1beta1";
export const METRIC = `${VERSION}/namespaces/notifications/carillon_required_per_second`;
export const SMS = `${METRIC}?labelSelector=channel%3Dsms%2Crelease%3Dcarillon`;
export const HPA = {
  "X-Remote-User": "system:serviceaccount:kube-system:horizontal-pod-autoscaler",
  "X-Remote-Group": "system:authenticated",
};
/** Headers of the aggregator's availability check. */
export const AGGREGATOR = { "X-Remote-User": "system:kube-aggregator", "X-Remote-Group": "system:masters" };

export const proxyCa = await createSigner("front-proxy-ca");
export const proxy = await proxyCa.issue("front-proxy-client");
/** Disposes what a test file started. */
export const ended = new AsyncDisposableStack();
after(() => ended.disposeAsync());

export interface World {
  port: number;
  kubernetes: KubernetesApi;
  clock: ReturnType<typeof createFakeClock>;
  lines: string[];
  /** The required rate of every channel. */
  rate: RequiredRate;
  stop(): Promise<void>;
}

/** @param prepare runs before the start */
export async function serve(options: Partial<MetricsApiOptions> = {}, prepare?: (api: KubernetesApi) => unknown): Promise<World> {
  const kubernetes = ended.use(await startKubernetesApi());
  kubernetes.configMap = configMapOf(proxyCa.cert, ["front-proxy-client"]);
  await prepare?.(kubernetes);
  const clock = createFakeClock(Date.now());
  const lines: string[] = [];
  const world: Omit<World, "port" | "stop"> = {
    kubernetes,
    clock,
    lines,
    rate: { kind: "known", perSecond: 950, active: true, at: Date.UTC(2026, 0, 5, 12) },
  };
  const api = await startMetricsApi(
    {
      listen: { host: "127.0.0.1", port: 0 },
      certificate: { kind: "self-signed" },
      trust: { kind: "cluster" },
      kubernetes: { host: "127.0.0.1", port: kubernetes.port, directory: kubernetes.directory },
      allowedUsers: [],
      namespace: undefined,
      ...options,
    },
    {
      rates: { channels: ["sms", "email"], current: () => world.rate },
      release: "carillon",
      clock,
      log: createLogger("autoscaler", "debug", { write: (line) => void lines.push(line) }),
      httpRejections: () => undefined,
    },
  );
  ended.use(api);
  return Object.assign(world, { port: api.port, stop: async () => api[Symbol.asyncDispose]() });
}

export interface Asking {
  as?: Pair | "no-certificate";
  headers?: Record<string, string | string[]>;
  method?: string;
  /** Shared to keep a connection; otherwise each request opens its own. */
  agent?: Agent;
  /** Verifies the server by this authority; otherwise it is not verified. */
  ca?: string;
}
export async function ask(port: number, path: string, { as = proxy, headers = HPA, method = "GET", agent, ca }: Asking = {}) {
  const tls = { ...(as === "no-certificate" ? {} : as), rejectUnauthorized: ca !== undefined, ...(ca ? { ca } : {}) };
  const request = httpsRequest({ host: "localhost", port, path, method, headers, agent: agent ?? false, family: 4, ...tls });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const { socket } = response;
  let text = "";
  for await (const chunk of response) text += chunk;
  const body = JSON.parse(text) as { kind: string; code?: number; reason?: string; message?: string; items?: { value: string }[] };
  return { code: response.statusCode, headers: response.headers, body, socket };
}
export const valuesOf = async (port: number, asking?: Asking) => (await ask(port, SMS, asking)).body.items?.map((item) => item.value);
