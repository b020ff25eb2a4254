import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import type {
  GetMetricSpecResponse,
  GetMetricsRequest,
  GetMetricsResponse,
  IsActiveResponse,
  ScaledObjectRef,
} from "../gen/externalscaler/externalscaler.ts";
import { type CallError, callError, invalidRequest, isCallError } from "../runtime/call-error.ts";
import type { Handler, StreamHandler } from "../runtime/handler.ts";
import type { Rates, Scalings } from "./rates.ts";

/** Open streams; KEDA keeps one for each ScaledObject. */
const STREAMS_MAX = 1_000;
const tooManyStreams = callError("RESOURCE_EXHAUSTED", "OVERLOADED", `${STREAMS_MAX} streams are open`);

/** For KEDA. The HPA and Prometheus read carillon_required_per_second with the channel as a label. */
export const metricName = (channel: Channel) => `carillon_required_per_second_${channel}`;

export interface KedaParts {
  rates: Rates;
  scalings: Scalings;
  /** Ends the streams at shutdown: KEDA then asks another pod. */
  signal: AbortSignal;
}

/** KEDA's external scaler. Callers need no credentials. */
export interface KedaHandlers {
  isActive: Handler<ScaledObjectRef, IsActiveResponse, void>;
  streamIsActive: StreamHandler<ScaledObjectRef, IsActiveResponse, void>;
  getMetricSpec: Handler<ScaledObjectRef, GetMetricSpecResponse, void>;
  getMetrics: Handler<GetMetricsRequest, GetMetricsResponse, void>;
}

/** Every answer comes from memory: KEDA asks in each iteration of the HPA, for each ScaledObject. */
export function createKedaHandlers({ rates, scalings, signal: shutdown }: KedaParts): KedaHandlers {
  let open = 0;

  function channelOf(object: ScaledObjectRef | undefined, field = "scalerMetadata.channel"): Channel | CallError {
    const given = object?.scalerMetadata.channel;
    const channel = rates.channels.find((c) => c === given);
    if (channel) return channel;
    const message = `must be one of ${CHANNELS.join(", ")}`;
    return invalidRequest([{ field, rule: "channel", message }]);
  }

  function known(channel: Channel) {
    const rate = rates.current(channel);
    return rate.kind === "known"
      ? rate
      : callError("UNAVAILABLE", "UNAVAILABLE", `the required rate of ${channel} is not known: ${rate.why}`);
  }

  /** Yields whether the channel needs a pod: at once, and at every change until `caller` or the shutdown ends the stream. */
  async function* activity(channel: Channel, caller: AbortSignal): AsyncGenerator<IsActiveResponse> {
    let changed = Promise.withResolvers<void>();
    const wake = () => changed.resolve();
    using _watch = rates.watch((which) => which === channel && wake());
    for (const signal of [caller, shutdown]) signal.addEventListener("abort", wake, { once: true });
    open++;
    try {
      for (let sent: boolean | undefined; !caller.aborted && !shutdown.aborted; ) {
        const rate = rates.current(channel);
        // While the rate is unknown, the last answer still holds.
        if (rate.kind === "known" && rate.active !== sent) {
          sent = rate.active;
          yield { result: sent };
          continue;
        }
        await changed.promise;
        changed = Promise.withResolvers();
      }
    } finally {
      open--;
      for (const signal of [caller, shutdown]) signal.removeEventListener("abort", wake);
    }
  }

  return {
    async isActive(object) {
      const channel = channelOf(object);
      if (isCallError(channel)) return channel;
      const rate = known(channel);
      return isCallError(rate) ? rate : { result: rate.active };
    },
    streamIsActive(object, { signal }) {
      const channel = channelOf(object);
      if (isCallError(channel)) return channel;
      return open >= STREAMS_MAX ? tooManyStreams : activity(channel, signal);
    },
    async getMetricSpec(object) {
      const channel = channelOf(object);
      if (isCallError(channel)) return channel;
      const { targetRatePerPod } = scalings[channel];
      const targetSize = Math.max(1, Math.round(targetRatePerPod));
      return { metricSpecs: [{ metricName: metricName(channel), targetSize, targetSizeFloat: targetRatePerPod }] };
    },
    async getMetrics({ scaledObjectRef }) {
      const channel = channelOf(scaledObjectRef, "scaledObjectRef.scalerMetadata.channel");
      if (isCallError(channel)) return channel;
      const rate = known(channel);
      if (isCallError(rate)) return rate;
      const metricValue = Math.ceil(rate.perSecond);
      return { metricValues: [{ metricName: metricName(channel), metricValue, metricValueFloat: rate.perSecond }] };
    },
  };
}
