import { jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { taskMessageId, taskSubject } from "../../core/delivery/subjects.ts";
import type { TaskPublisher } from "../../core/ports/queue.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createStateLog } from "../../runtime/state-log.ts";
import type { Nats } from "./connect.ts";
import { followConnection } from "./connection.ts";
import { encodeTask } from "./task-codec.ts";

/** Deadline of a PubAck, which takes under 50 ms on a healthy cluster; after it the relay publishes again. */
const PUBLISH_MS = 3_000;
/** Concurrent publishes; more would raise latency and not throughput. */
const PUBLISH_IN_FLIGHT_MAX = 1_024;
/** Tasks that wait for one of those, about 2 s' worth; more are left to the relay. */
const PUBLISH_WAITING_MAX = 20_000;

/** Publishes tasks. A publish that fails for any reason is retried by the relay. */
export function createTaskPublisher(nats: Nats, log: Logger): TaskPublisher {
  const js = jetstream(nats, { timeout: PUBLISH_MS });
  let inFlight = 0;
  const waiting: (() => void)[] = [];
  const lost = followConnection(nats);
  const state = createStateLog(log, { lost: "tasks cannot be published; they wait in the outbox", back: "tasks are published again" });
  return {
    async publish(task) {
      if (lost().aborted || waiting.length >= PUBLISH_WAITING_MAX) return false;
      if (inFlight < PUBLISH_IN_FLIGHT_MAX) inFlight++;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        if (lost().aborted) return false;
        const hdrs = headers();
        if (task.traceparent) hdrs.set("traceparent", task.traceparent);
        const ack = await js.publish(taskSubject(task.channel, task.notificationClass, task.app), encodeTask(task), {
          msgID: taskMessageId(task.deliveryId, task.attempt, task.publication),
          timeout: PUBLISH_MS,
          headers: hdrs,
        });
        state.works();
        // Some releases answer "duplicate" with sequence 0 for a task they never stored.
        return ack.seq > 0;
      } catch (error) {
        state.fails(error instanceof Error ? error.name : "unknown");
        log.debug({ err: error, deliveryId: task.deliveryId }, "publish failed; the relay repeats it");
        return false;
      } finally {
        // The slot goes to the task that has waited longest.
        const next = waiting.shift();
        if (next) next();
        else inFlight--;
      }
    },
  };
}
