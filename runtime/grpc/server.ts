import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { withDeadline } from "../deadline.ts";
import { reachable } from "../http/reachable.ts";
import type { Logger } from "../logger.ts";
import type { Certificates } from "../tls/grpc-tls.ts";
import { addReflection } from "./reflection.ts";

/** A batch of 1,000 notifications at their largest usual size, 16 kB each. grpc-js rejects more with RESOURCE_EXHAUSTED. */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** Calls under way on one connection; further ones wait at the client. */
const STREAMS_MAX = 1_000;
/** Connections are closed gracefully after this time, so that clients find new pods. grpc-js adds 10 % jitter. */
const CONNECTION_AGE_MS = 300_000;
const CONNECTION_GRACE_MS = 30_000;
/** A peer that disappeared without closing the connection is detected after the sum of both. */
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
/** How long calls under way may take to finish at shutdown: the longest that any call may take. */
const DRAIN_MS = 10_000;

export interface GrpcService {
  definition: ServiceDefinition;
  implementation: UntypedServiceImplementation;
}

export interface GrpcServerOptions {
  /** host:port; port 0 takes a free one. */
  address: string;
  services: readonly GrpcService[];
  reflection: boolean;
  log: Logger;
  /** With a CA in it, callers must present a certificate that it signed. Undefined: plain text. */
  tls?: Certificates | undefined;
  messageBytesMax?: number;
  drainMs?: number;
}

export interface GrpcServer extends AsyncDisposable {
  readonly port: number;
  /** host:port for callers on this machine. */
  readonly address: string;
  /** The health status of "", "readiness" and each service. Starts as false. "liveness" is always SERVING. */
  setServing(serving: boolean): void;
  /** Serving from now on, until the signal aborts: callers go elsewhere while calls under way finish. */
  serveUntil(signal: AbortSignal): void;
}

/** Listens, with health (grpc.health.v1). Disposal lets calls under way finish for `drainMs`, then cancels them. Rejects if it cannot listen. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { log, drainMs = DRAIN_MS, messageBytesMax = MESSAGE_BYTES_MAX } = options;
  const server = new Server({
    "grpc.max_receive_message_length": messageBytesMax,
    "grpc.max_send_message_length": messageBytesMax,
    "grpc.max_concurrent_streams": STREAMS_MAX,
    "grpc.max_connection_age_ms": CONNECTION_AGE_MS,
    "grpc.max_connection_age_grace_ms": CONNECTION_GRACE_MS,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // Channelz stays on: without it forceShutdown() of grpc-js 1.14 knows no connections and closes none. It is not reachable from outside.
  });
  for (const { definition, implementation } of options.services) server.addService(definition, implementation);
  const names = options.services.map((s) => serviceName(s.definition));
  const health = new HealthImplementation({ liveness: "SERVING" });
  const setServing = (serving: boolean) => {
    for (const name of ["", "readiness", ...names]) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  };
  setServing(false);
  health.addToServer(server);
  if (options.reflection) addReflection(server, names);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(options.address, options.tls?.forServer() ?? ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    address: reachable(options.address.replace(/:\d+$/, ""), port),
    setServing,
    serveUntil(signal) {
      setServing(true);
      signal.addEventListener("abort", () => setServing(false), { once: true });
    },
    async [Symbol.asyncDispose]() {
      setServing(false);
      const { promise: drained, resolve } = Promise.withResolvers<void>();
      // A health watch never ends by itself, so a server with one always uses the whole time.
      server.tryShutdown(() => resolve());
      await withDeadline(drained, { limitMs: drainMs }, () => log.warn({ drainMs }, "calls were still under way at shutdown and are cut"));
      server.forceShutdown();
    },
  };
}

/** "/carillon.v1.NotificationService/SendNotification" → "carillon.v1.NotificationService" */
function serviceName(definition: ServiceDefinition): string {
  const name = Object.values(definition)[0]?.path.split("/")[1];
  if (!name) throw new Error("a service without methods");
  return name;
}
