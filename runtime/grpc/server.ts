import { once } from "node:events";
import type { Http2Server } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { withDeadline } from "../deadline.ts";
import { reachable } from "../host-port.ts";
import type { Logger } from "../logger.ts";
import type { Certificates } from "../tls/grpc-tls.ts";
import { type AdmissionLimits, createAdmission } from "./admission.ts";
import { createConnections } from "./connections.ts";
import { addHealth } from "./health.ts";
import { BACKLOG_MAX, HEADER_BYTES_MAX, STREAMS_MAX } from "./limits.ts";
import { type GrpcService, guarded, guardedOpen, type MethodLimits, methodLimits, openMethodLimits } from "./methods.ts";
import { addReflection } from "./reflection.ts";
import { createRejections, type RejectionCounter } from "./rejections.ts";
import { createSharedLimits, type OwnLimits, type SharedLimits } from "./shared-limits.ts";

/** Connections are closed gracefully after this time, so that clients find new pods. grpc-js adds 10 % jitter. */
const CONNECTION_AGE_MS = 300_000;
const CONNECTION_GRACE_MS = 30_000;
/** A peer that disappeared without closing the connection is detected after the sum of both. */
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
/** How long calls under way may take to finish at shutdown: the longest that any call may take. */
const DRAIN_MS = 10_000;

export interface GrpcServerOptions {
  /** host:port; port 0 takes a free one. */
  address: string;
  services: readonly GrpcService[];
  reflection: boolean;
  log: Logger;
  /** With a CA in it, callers must present a certificate that it signed. Undefined: plain text. */
  tls?: Certificates | undefined;
  drainMs?: number;
  /** Names the listener in metrics and logs; default: grpc. */
  name?: string;
  rejected?: RejectionCounter | undefined;
  /** Calls and bytes under way, where another listener counts in the same bounds; absent: bounds of its own. */
  shared?: SharedLimits;
  /** Tests set their own. */
  limits?: AdmissionLimits & OwnLimits & { connectionsMax?: number; handshakeMs?: number };
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
  const { log, drainMs = DRAIN_MS, name = "grpc", limits = {} } = options;
  const { shared = createSharedLimits(options.services, limits) } = options;
  await using stack = new AsyncDisposableStack();
  const rejections = createRejections({ listener: name, log, counter: options.rejected });
  const connections = stack.use(createConnections(rejections, limits));
  const methods = new Map<string, MethodLimits>();
  const admission = stack.use(createAdmission({ methods, connections, rejections, shared, log, limits }));
  const server = new Server({
    interceptors: [admission.interceptor],
    // Each method has a limit of its own, which is checked before.
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.max_connection_age_ms": CONNECTION_AGE_MS,
    "grpc.max_connection_age_grace_ms": CONNECTION_GRACE_MS,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // Channelz stays on: without it forceShutdown() of grpc-js 1.14 knows no connections and closes none. It is not reachable from outside.
  });
  for (const service of options.services) {
    for (const [path, method] of methodLimits(service)) methods.set(path, method);
    server.addService(guarded(service), service.implementation);
  }
  const names = options.services.map((s) => serviceName(s.definition));
  const addOpen = (definition: ServiceDefinition, implementation: UntypedServiceImplementation) => {
    for (const [path, method] of openMethodLimits(definition)) methods.set(path, method);
    server.addService(guardedOpen(definition), implementation);
  };
  const setServing = addHealth(addOpen, names);
  if (options.reflection) addReflection(addOpen, names);

  const injector = server.createConnectionInjector(options.tls?.forServer() ?? ServerCredentials.createInsecure());
  const http2Server = http2ServerOf(server);
  http2Server.updateSettings({ maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX });
  admission.guard(http2Server);
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections.admit(socket, () => injector.injectConnection(socket));
  });
  const { host, port: wanted } = hostAndPort(options.address);
  listener.listen({ host, port: wanted, backlog: BACKLOG_MAX });
  stack.defer(async () => {
    setServing(false);
    const { promise: drained, resolve } = Promise.withResolvers<void>();
    // Called when the last connection has ended. A health watch never ends by itself, so a server with one always uses the whole time.
    listener.close(() => resolve());
    // Tells the clients to go elsewhere; it does not wait for calls under way on connections that it did not accept.
    server.tryShutdown(() => undefined);
    await withDeadline(drained, { limitMs: drainMs }, () => log.warn({ drainMs }, "calls were still under way at shutdown and are cut"));
    server.forceShutdown();
  });
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const running = stack.move();
  return {
    port,
    address: reachable(host, port),
    setServing,
    serveUntil(signal) {
      setServing(true);
      signal.addEventListener("abort", () => setServing(false), { once: true });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/**
 * The HTTP/2 server inside a server of grpc-js, which shows it to nobody. Its streams are where a call can be judged before its message is
 * read, and its sessions where a handshake ends; the listening socket is ours.
 */
function http2ServerOf(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  const [inside, ...others] = http2Servers?.keys() ?? [];
  if (!inside || others.length > 0) throw new Error("this version of grpc-js keeps its HTTP/2 server elsewhere");
  return inside;
}

/** "0.0.0.0:7700", "[::]:7700" */
function hostAndPort(address: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new Error("the address to listen on must be host:port");
  return { host: host === "" ? "::" : host, port: Number(port) };
}

/** "/carillon.v1.NotificationService/SendNotification" → "carillon.v1.NotificationService" */
function serviceName(definition: ServiceDefinition): string {
  const name = Object.values(definition)[0]?.path.split("/")[1];
  if (!name) throw new Error("a service without methods");
  return name;
}
