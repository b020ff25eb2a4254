import type { Channel } from "../core/delivery/channel.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Rates } from "./rates.ts";

/** Sets the gauges after each reading. An unknown rate is not exported, so that an HPA keeps the number of pods. */
export function exportRates(metrics: Metrics, rates: Rates): void {
  const gauge = (name: string, help: string) => metrics.gauge(name, help, ["channel"]);
  const required = gauge(
    "carillon_required_per_second",
    "Tasks per second that the channel's pods together must handle; absent while unknown",
  );
  const backlog = gauge("carillon_queue_backlog_count", "Tasks waiting or being handled, without the parked ones");
  const parked = gauge("carillon_queue_parked_count", "Tasks returned to the queue with a delay that has not passed, as pods report");
  const arrivals = gauge(
    "carillon_queue_arrivals_per_second",
    "Tasks published per second, smoothed: follows a rise fast and a fall slowly",
  );
  const oldest = gauge("carillon_queue_oldest_seconds", "Age of the oldest task in the queue, parked ones included");
  const ackPending = gauge("carillon_queue_ack_pending_ratio", "Share of max_ack_pending in use, of the class where it is highest");
  const bytes = gauge("carillon_queue_bytes_ratio", "Share of the stream's maximum size in use");
  const sampled = gauge("carillon_queue_sample_timestamp_seconds", "When the queue was last read");
  const held = gauge("carillon_scaling_held_count", "1 while an outage of the provider or a failed reading holds the rate, else 0");

  const update = (channel: Channel) => {
    held.set({ channel }, rates.held(channel) ? 1 : 0);
    const view = rates.view(channel);
    if (!view) return;
    backlog.set({ channel }, view.backlog);
    parked.set({ channel }, view.parked);
    arrivals.set({ channel }, view.arrivalsPerSecond);
    oldest.set({ channel }, view.oldestMs / 1_000);
    ackPending.set({ channel }, view.ackPendingRatio);
    bytes.set({ channel }, view.bytesRatio);
    sampled.set({ channel }, view.at / 1_000);
    const rate = rates.current(channel);
    if (rate.kind === "known") required.set({ channel }, rate.perSecond);
    else required.remove({ channel });
  };
  for (const channel of rates.channels) update(channel);
  rates.watch(update);
}
