import { connectNats, natsCondition } from "../adapters/nats/connect.ts";
import { subscribeOutboxReports } from "../adapters/nats/outbox-report.ts";
import { createQueueReader } from "../adapters/nats/queue-state.ts";
import { subscribeReports } from "../adapters/nats/report.ts";
import { CHANNELS } from "../core/delivery/channel.ts";
import { ExternalScalerService } from "../gen/externalscaler/externalscaler.ts";
import { systemClock } from "../runtime/clock.ts";
import { rejectionCounter } from "../runtime/grpc/rejections.ts";
import { serveHandlers } from "../runtime/grpc/serve-handlers.ts";
import { startGrpcServer } from "../runtime/grpc/server.ts";
import { callSeconds } from "../runtime/metrics.ts";
import { defineRole } from "../runtime/run.ts";
import { internalTls } from "../runtime/tls/grpc-tls.ts";
import { autoscalerVariables } from "./config.ts";
import { createKedaHandlers } from "./keda-handlers.ts";
import { exportRates } from "./metrics.ts";
import { rateApis } from "./rate-apis.ts";
import { createRates } from "./rates.ts";
import { sampleQueues } from "./sample.ts";

const variables: typeof autoscalerVariables = Object.assign({}, autoscalerVariables, ...rateApis.map((api) => api.variables));

export const role = defineRole({
  name: "autoscaler",
  about: "computes how many tasks per second each channel's pods must handle, for KEDA, Kubernetes and Prometheus",
  variables,
  async start(config, { log, metrics, httpRejections, stack, signal, tracer, conditions }) {
    const clock = systemClock;
    const tls = internalTls(config, log);
    const configured = rateApis.map(({ name, configure }) => ({ name, start: configure(config) }));
    const scalings = config.AUTOSCALER_CHANNELS_FILE;
    const rates = createRates(CHANNELS, scalings, clock);
    exportRates(metrics, rates);
    const nats = stack.use(await connectNats(config, log));
    conditions.add("NATS", natsCondition(nats));
    stack.use(subscribeReports(nats, CHANNELS, rates.addReport));
    stack.use(subscribeOutboxReports(nats, rates.addOutbox));
    const sampling = sampleQueues(await createQueueReader(nats), rates, { everyMs: config.AUTOSCALER_SAMPLE_MS, clock, log, signal });
    const calls = { log, tracer, seconds: callSeconds(metrics), authenticate: () => undefined };
    const services = [serveHandlers(ExternalScalerService, createKedaHandlers({ rates, scalings, signal }), calls)];
    const server = stack.use(
      await startGrpcServer({
        address: config.AUTOSCALER_LISTEN,
        services,
        reflection: false,
        rejected: rejectionCounter(metrics),
        log,
        tls,
      }),
    );
    server.serveUntil(signal);
    const addresses: Record<string, string> = { grpc: server.address };
    const parts = { rates, release: config.AUTOSCALER_RELEASE, clock, log, httpRejections };
    for (const { name, start } of configured) if (start) addresses[name] = stack.use(await start(parts)).address;
    return { addresses, drained: () => sampling };
  },
});
