import assert from "node:assert/strict";
import { test } from "node:test";
import { toTask } from "../../core/delivery/task.ts";
import type { Settlement } from "../../core/ports/queue.ts";
import { sampleNotification } from "../support/notification-samples.ts";
import { createSimulation } from "./simulation.ts";
import { createStream } from "./stream.ts";

const ACK_WAIT_MS = 60_000;

test("delivers a task at once that is published while another waits for its redelivery", async () => {
  const simulation = createSimulation(1);
  simulation.faulty = false;
  const { time } = simulation;
  const deliveredAt: number[] = [];
  const neverSettled = {
    hasRoom: () => true,
    handle: () => {
      deliveredAt.push(time.now());
      return new Promise<Settlement>(() => {});
    },
  };
  const stream = createStream(simulation, ACK_WAIT_MS, () => [neverSettled]);
  const task = (key: string) => {
    const notification = sampleNotification(key, time.now());
    return toTask(notification, notification.deliveries[0]!);
  };
  await stream.publish(task("first"));
  const secondAt = time.now() + 3_000;
  time.after(3_000, () => void stream.publish(task("second")));
  await time.run(() => deliveredAt.length === 2);
  assert.ok(deliveredAt[1]! >= secondAt && deliveredAt[1]! < secondAt + 100, `delivered after ${deliveredAt[1]! - secondAt} ms`);
});
