import type { PushRequest } from "../notification-server.ts";
import { type BullMqPackage, loadPackage, type Queue } from "./packages.ts";

/** The three queues that Novu's notifications pass, by what their jobs do: trigger a workflow, process a subscriber, run a step. */
export const TRIGGER = "workflow";
export const SUBSCRIBER = "subscriber-process";
export const SEND = "standard";

export interface Queues {
  readonly bullmq: BullMqPackage;
  readonly connection: object;
  open(name: string): Queue;
}

export function connectQueues(folder: string, redisUrl: string): Queues {
  const bullmq = loadPackage(folder, "bullmq");
  const { hostname, port } = new URL(redisUrl);
  // BullMQ demands this of a worker's connection.
  const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };
  return { bullmq, connection, open: (name) => new bullmq.Queue(name, { connection }) };
}

/** The key is the job's id, so that a repeated call adds nothing. */
export const addJob = (queue: Queue, request: PushRequest): Promise<unknown> =>
  queue.add("push", request, { jobId: request.id, removeOnComplete: true, removeOnFail: true });
