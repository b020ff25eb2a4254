import type { ServerWritableStream } from "@grpc/grpc-js";
import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import type { ExternalScalerServer, IsActiveResponse, ScaledObjectRef } from "../gen/externalscaler/externalscaler.ts";
import { type CallError, callError, isCallError, toServiceError } from "../runtime/grpc/status.ts";
import type { Unary } from "../runtime/grpc/unary.ts";
import type { Rates, Scalings } from "./rates.ts";

/** Open streams; KEDA holds one for each ScaledObject. */
const STREAMS_MAX = 1_000;
const FULL = callError("RESOURCE_EXHAUSTED", "OVERLOADED", `${STREAMS_MAX} streams are open`);

/** One metric, under one name, for all who ask. */
export const metricName = (channel: Channel) => `carillon_required_per_second_${channel}`;

export interface ScalerParts {
  rates: Rates;
  scalings: Scalings;
  unary: Unary<void>;
  /** Ends the streams: KEDA then asks another pod. */
  signal: AbortSignal;
}

/** KEDA's external scaler. Every answer is from memory: KEDA asks at each turn of the HPA, for each ScaledObject. */
export function createScaler({ rates, scalings, unary, signal }: ScalerParts): ExternalScalerServer {
  let open = 0;

  function channelOf(object: ScaledObjectRef | undefined, field = "scalerMetadata.channel"): Channel | CallError {
    const given = object?.scalerMetadata.channel;
    const channel = rates.channels.find((c) => c === given);
    if (channel) return channel;
    const message = `scalerMetadata.channel must be one of ${CHANNELS.join(", ")}`;
    return callError("INVALID_ARGUMENT", "INVALID_FIELD", message, { fields: [{ field, rule: "channel", message }] });
  }

  function known(channel: Channel) {
    const rate = rates.current(channel);
    return rate.kind === "known"
      ? rate
      : callError("UNAVAILABLE", "UNAVAILABLE", `the required rate of ${channel} is not known: ${rate.why}`);
  }

  function streamIsActive(call: ServerWritableStream<ScaledObjectRef, IsActiveResponse>): void {
    const channel = channelOf(call.request);
    if (isCallError(channel) || open >= STREAMS_MAX) {
      // As grpc-js wants it: who destroys the stream tells the caller nothing.
      call.emit("error", toServiceError(isCallError(channel) ? channel : FULL));
      return;
    }
    open++;
    let told: boolean | undefined;
    const tell = () => {
      const rate = rates.current(channel);
      // Nobody knows: then what was said last still holds.
      if (rate.kind === "unknown" || rate.active === told || call.writableEnded) return;
      told = rate.active;
      call.write({ result: told });
    };
    const watching = rates.watch((changed) => changed === channel && tell());
    const end = () => call.end();
    const closed = () => {
      open--;
      watching[Symbol.dispose]();
      signal.removeEventListener("abort", end);
    };
    call.once("close", closed);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    else tell();
  }

  return {
    isActive: unary(async (object) => {
      const channel = channelOf(object);
      if (isCallError(channel)) return channel;
      const rate = known(channel);
      return isCallError(rate) ? rate : { result: rate.active };
    }),
    streamIsActive,
    getMetricSpec: unary(async (object) => {
      const channel = channelOf(object);
      if (isCallError(channel)) return channel;
      const { targetRatePerPod } = scalings[channel];
      const targetSize = Math.max(1, Math.round(targetRatePerPod));
      return { metricSpecs: [{ metricName: metricName(channel), targetSize, targetSizeFloat: targetRatePerPod }] };
    }),
    getMetrics: unary(async ({ scaledObjectRef }) => {
      const channel = channelOf(scaledObjectRef, "scaledObjectRef.scalerMetadata.channel");
      if (isCallError(channel)) return channel;
      const rate = known(channel);
      if (isCallError(rate)) return rate;
      const metricValue = Math.ceil(rate.perSecond);
      return { metricValues: [{ metricName: metricName(channel), metricValue, metricValueFloat: rate.perSecond }] };
    }),
  };
}
