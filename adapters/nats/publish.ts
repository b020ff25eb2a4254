import { headers } from "@nats-io/transport-node";
import { taskMessageId, taskSubject } from "../../core/delivery/subjects.ts";
import type { DeliveryTask, TaskPublisher } from "../../core/ports/queue.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createStateLog } from "../../runtime/state-log.ts";
import type { Nats } from "./connect.ts";
import { createPublishAcks, type PublishEnd, type PublishLimits } from "./publish-acks.ts";
import { encodeTask } from "./task-codec.ts";

const LIMITS: PublishLimits = {
  // An answer takes under 50 ms on a healthy cluster; after 3 s the relay publishes again.
  answerMs: 3_000,
  // More would raise latency and not throughput.
  inFlightMax: 1_024,
  // Well under a second's worth; more are left to the relay.
  pendingMax: 20_000,
  // 8 KiB, the largest content that a task carries, for each of 4,096; tasks of some 400 bytes reach pendingMax first.
  pendingBytesMax: 32 * 1024 * 1024,
};

/** Publishes tasks. A publish that fails for any reason is retried by the relay. */
export function createTaskPublisher(nats: Nats, log: Logger, limits = LIMITS): TaskPublisher {
  const acks = createPublishAcks(nats, limits);
  const state = createStateLog(log, { lost: "tasks cannot be published; they wait in the outbox", back: "tasks are published again" });
  async function send(task: DeliveryTask): Promise<PublishEnd> {
    try {
      const hdrs = headers();
      hdrs.set("Nats-Msg-Id", taskMessageId(task.deliveryId, task.attempt, task.publication));
      if (task.traceparent) hdrs.set("traceparent", task.traceparent);
      return await acks.publish(taskSubject(task.channel, task.notificationClass, task.app), encodeTask(task), hdrs);
    } catch (error) {
      return { kind: "failed", fault: error instanceof Error ? error.name : "unknown" };
    }
  }
  return {
    async publish(task) {
      const end = await send(task);
      if (end.kind === "failed") {
        state.fails(end.fault);
        log.debug({ fault: end.fault, deliveryId: task.deliveryId }, "publish failed; the relay repeats it");
        return false;
      }
      state.works();
      return end.kind === "stored";
    },
  };
}
