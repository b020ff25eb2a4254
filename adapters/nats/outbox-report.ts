import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { OUTBOX_REPORT_SUBJECT } from "../../core/delivery/subjects.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import type { Nats } from "./connect.ts";

/** By channel: tasks that are due in the outbox and unpublished. To the autoscaler they are backlog, as if they were in the queue. */
export type OutboxReport = Readonly<Partial<Record<Channel, number>>>;

/** On core NATS: a lost report is tolerated, and the next one follows. While disconnected the client would buffer it. */
export function reportOutbox(nats: Nats, due: OutboxReport): void {
  if (!nats.isClosed()) nats.publish(OUTBOX_REPORT_SUBJECT, JSON.stringify({ due }));
}

/** Calls `onReport` for each relay's report. Invalid messages are ignored. */
export function subscribeOutboxReports(nats: Nats, onReport: (report: OutboxReport) => void): Disposable {
  const subscription = nats.subscribe(OUTBOX_REPORT_SUBJECT, {
    callback(error, msg) {
      const report = error ? undefined : readOutboxReport(msg.data);
      if (report) onReport(report);
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}

/** Undefined where the bytes are not a valid report. */
export function readOutboxReport(bytes: Uint8Array): OutboxReport | undefined {
  const given = parseJson(bytes);
  const due: unknown = typeof given === "object" && given !== null ? Reflect.get(given, "due") : undefined;
  if (typeof due !== "object" || due === null) return undefined;
  const counts = CHANNELS.map((channel) => [channel, Reflect.get(due, channel) ?? 0] as const);
  const valid = counts.every(([, count]) => typeof count === "number" && Number.isFinite(count) && count >= 0);
  return valid ? (Object.fromEntries(counts) as OutboxReport) : undefined;
}
