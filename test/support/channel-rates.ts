// What tests of the autoscaler's rates share: one channel's queue and pods, read and reported on a simulated clock.
import assert from "node:assert/strict";
import type { QueueState } from "../../adapters/nats/queue-state.ts";
import type { Report } from "../../adapters/nats/report.ts";
import { createRates } from "../../autoscaler/rates.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { SCALING_DEFAULTS } from "../../core/scaling/scaling.ts";
import { createFakeClock } from "./fake-clock.ts";

export const sms = { ...SCALING_DEFAULTS.sms, targetRatePerPod: 10, drainMs: 30_000, maxAgeMs: 30_000, serviceMs: 200, minReplicas: 1 };

/** One channel's queue and pods, read and reported every 2 s. */
export class Channel {
  readonly clock = createFakeClock();
  readonly rates = createRates(CHANNELS, { ...SCALING_DEFAULTS, sms }, this.clock);
  state: QueueState = {
    ...{ created: "one", lastSequence: 0, messages: 0, bytes: 0, bytesMax: 1_000, waiting: 0, handedOut: 0, ackPendingRatio: 0 },
    ...{ oldestMs: 0, oldestWaitingMs: undefined },
  };
  report: Report | undefined = { worker: "pod-1", parked: 0, called: 0, failed: 0, busyMs: 0 };

  /** @param arriving per second; all of it is handled unless `state` says otherwise */
  run(seconds: number, arriving = 0): number {
    for (let s = 0; s < seconds; s += 2) {
      this.clock.advance(2_000);
      this.state = { ...this.state, lastSequence: this.state.lastSequence + 2 * arriving };
      if (this.report) this.rates.addReport("sms", this.report);
      this.rates.addReading("sms", { kind: "read", state: this.state });
    }
    return this.rate();
  }
  /** Tasks waiting, tasks delivered and not acknowledged, and the age of the oldest. */
  queue(waiting: number, handedOut: number, oldestMs = 100): void {
    this.state = { ...this.state, waiting, handedOut, messages: waiting + handedOut, oldestMs };
  }
  pods(report: Partial<Report>): void {
    this.report = { worker: "pod-1", parked: 0, called: 0, failed: 0, busyMs: 0, ...report };
  }
  lost(): void {
    this.rates.addReading("sms", { kind: "unreadable", why: "NATS did not answer (TimeoutError)" });
  }
  current = () => this.rates.current("sms");
  rate(): number {
    const rate = this.current();
    assert.equal(rate.kind, "known", rate.kind === "unknown" ? rate.why : "");
    return rate.kind === "known" ? rate.perSecond : Number.NaN;
  }
  isActive = () => {
    const rate = this.current();
    return rate.kind === "known" && rate.active;
  };
}
export const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-6, `${a} instead of ${b}`);
