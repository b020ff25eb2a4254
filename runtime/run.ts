import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Tracer } from "@opentelemetry/api";
import type { Failpoint } from "../core/failpoints.ts";
import { type Conditions, createConditions } from "./conditions.ts";
import { choice, type Environment, integer, ms, optionalPort, readConfig, text, type Values, type Variables } from "./config.ts";
import { withDeadline } from "./deadline.ts";
import { crashAt } from "./failpoint.ts";
import { rejectionCounter } from "./grpc/rejections.ts";
import { type GrpcServer, type GrpcServerOptions, startGrpcServer } from "./grpc/server.ts";
import { hostPortText, reachable } from "./host-port.ts";
import { createHttpRejections, type HttpRejections } from "./http/rejections.ts";
import { startHttpServer } from "./http/server.ts";
import { closeLogger, createLogger, type Logger } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { OperatorError } from "./operator-error.ts";
import { startTracing } from "./tracing.ts";

/** What every role reads. */
const commonVariables = {
  LOG_LEVEL: choice(["debug", "info", "warn", "error"], { default: "info", reason: "info writes one line per attempt" }),
  HTTP_HOST: text({ default: "0.0.0.0", reason: "address for /healthz, /readyz and /metrics, and for HEALTH_PORT" }),
  HTTP_PORT: integer(0, 65_535, { default: "8080", reason: "port for /healthz, /readyz and /metrics; 0: any free one" }),
  HEALTH_PORT: optionalPort({
    default: "",
    reason:
      "port for gRPC health in plain text, services liveness and readiness: probes cannot show certificates; empty: none; 0: any free one",
  }),
  DRAIN_MS: ms(100, 600_000, { default: "20000", reason: "for work in flight after SIGTERM; shorter than the pod's grace period of 30 s" }),
  OTEL_EXPORTER_OTLP_ENDPOINT: text({ default: "", reason: "OTLP/HTTP traces URL; empty: traces are not exported" }),
};

/** What every role is given. */
export interface Runtime {
  log: Logger;
  metrics: Metrics;
  /** For HTTP listeners of the role's own. */
  httpRejections: HttpRejections;
  /** Disposed last-in first-out after the drain. */
  stack: AsyncDisposableStack;
  /** Aborts when draining begins: accept no new work. */
  signal: AbortSignal;
  /** Unique per process: host name and a random part. */
  worker: string;
  tracer: Tracer;
  /** The variables of the configuration, for roles that read files again: see watchConfig. */
  env: Environment;
  /** What the role needs and how it is, for /readyz?verbose. */
  conditions: Conditions;
  /** Marks a failpoint; in tests the process may be killed there. */
  failpoint: Failpoint;
}

/** A role, the unit of deployment: its variables and how it starts. */
export interface Role {
  name: string;
  about: string;
  variables: Variables;
  start(env: Environment): Promise<RunningRole>;
}

/** Disposal drains, within DRAIN_MS, then releases everything. */
export interface RunningRole extends AsyncDisposable {
  name: string;
  /** Where it listens, by name ("grpc", "http"): host:port. */
  addresses: Record<string, string>;
}

/** The result of a start function. `drained` resolves once no work is under way, after `signal` aborted. */
export interface Started {
  addresses?: Record<string, string>;
  drained?: () => Promise<void>;
}

/**
 * A role that has not started within this time ends with exit status 1. An unreachable server fails much sooner; the limit is for slow
 * starts, as when all processes of a node start at once and share its cores, where an early exit would only start over.
 */
const START_MS = 30_000;

export function defineRole<V extends Variables>(role: {
  name: string;
  about: string;
  variables: V;
  start(config: Values<V & typeof commonVariables>, runtime: Runtime): Promise<Started>;
}): Role {
  const variables = { ...commonVariables, ...role.variables };
  return {
    name: role.name,
    about: role.about,
    variables,
    async start(env) {
      const values: unknown = readConfig(variables, env);
      const config = values as Values<typeof commonVariables>;
      const failpoint = crashAt(env);
      const log = createLogger(role.name, config.LOG_LEVEL);
      const draining = new AbortController();
      const metrics = createMetrics(role.name, { defaults: config.HTTP_PORT !== 0 });
      const worker = `${role.name}@${hostname()}-${randomBytes(4).toString("hex")}`;
      await using stack = new AsyncDisposableStack();
      const { tracer } = stack.use(await startTracing(role.name, { exporterUrl: config.OTEL_EXPORTER_OTLP_ENDPOINT }));
      const httpRejections = createHttpRejections(metrics, log);
      let ready = false;
      const conditions = createConditions();
      conditions.add(role.name, () =>
        draining.signal.aborted
          ? { holds: false, words: "draining: it finishes what it has begun, and ends" }
          : ready
            ? { holds: true, words: "started" }
            : { holds: false, words: "starting" },
      );
      const http = stack.use(
        await startHttpServer({
          host: config.HTTP_HOST,
          port: config.HTTP_PORT,
          ready: () => ready && !draining.signal.aborted,
          conditions: conditions.read,
          registry: metrics.registry,
          log,
          onRejected: (reason, peer) => httpRejections("health", reason, peer),
        }),
      );
      const health =
        config.HEALTH_PORT === undefined
          ? undefined
          : stack.use(await startHealthServer(config.HTTP_HOST, config.HEALTH_PORT, { log, rejected: rejectionCounter(metrics) }));
      const started = await withDeadline(
        role.start(values as Values<V & typeof commonVariables>, {
          log,
          metrics,
          httpRejections,
          stack,
          signal: draining.signal,
          worker,
          tracer,
          env,
          conditions,
          failpoint,
        }),
        { limitMs: START_MS },
        () => {
          throw new StartTimeoutError(`${role.name} did not start within ${START_MS} ms`);
        },
      ).catch((error: unknown) => {
        // Stops the work that was started before the fault.
        draining.abort();
        throw error;
      });
      ready = true;
      health?.serveUntil(draining.signal);
      const addresses = { ...started.addresses, http: reachable(config.HTTP_HOST, http.port), ...(health && { health: health.address }) };
      log.info({ worker, addresses }, "started");
      const kept = stack.move();
      let disposed: Promise<void> | undefined;
      return {
        name: role.name,
        addresses,
        [Symbol.asyncDispose]: () => {
          disposed ??= (async () => {
            draining.abort();
            const drained = started.drained?.() ?? Promise.resolve();
            await withDeadline(drained, { limitMs: config.DRAIN_MS }).catch(() =>
              log.warn({ drainMs: config.DRAIN_MS }, "drain timeout; other instances take over the unfinished work"),
            );
            await kept.disposeAsync();
            log.info("stopped");
            await closeLogger(log);
          })();
          return disposed;
        },
      };
    },
  };
}

/** For probes that are under way at the end, in ms. */
const HEALTH_DRAIN_MS = 500;

/** "liveness" is SERVING as long as the process runs; "readiness" and "" begin as NOT_SERVING. */
const startHealthServer = (host: string, port: number, parts: Pick<GrpcServerOptions, "log" | "rejected">): Promise<GrpcServer> =>
  startGrpcServer({
    ...parts,
    name: "health",
    address: hostPortText(host, port),
    services: [],
    reflection: false,
    drainMs: HEALTH_DRAIN_MS,
  });

class StartTimeoutError extends OperatorError {}
