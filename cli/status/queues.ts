import { connectNats, natsVariables } from "../../adapters/nats/connect.ts";
import { createQueueReader, type QueueReader } from "../../adapters/nats/queue-state.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { type Environment, readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** A channel's queue; or, where it cannot be read, why. */
export type QueueStatus = { channel: Channel; waiting: number; handedOut: number; oldestMs: number } | { channel: Channel; why: string };

/** The queues at NATS_URL, also where it cannot be used; undefined where it is not set. */
export async function readQueues(env: Environment): Promise<QueueStatus[] | undefined> {
  if (!env.NATS_URL) return undefined;
  const config = readConfig(natsVariables, env);
  try {
    await using nats = await connectNats(config, createLogger("status", "error"));
    return await readEach(await createQueueReader(nats));
  } catch (error) {
    if (error instanceof OperatorError) return CHANNELS.map((channel) => ({ channel, why: error.message }));
    throw error;
  }
}

async function readEach(read: QueueReader): Promise<QueueStatus[]> {
  return await Promise.all(
    CHANNELS.map(async (channel): Promise<QueueStatus> => {
      const reading = await read(channel, true);
      if (reading.kind === "unreadable") return { channel, why: reading.why };
      const { waiting, handedOut, oldestWaitingMs = 0 } = reading.state;
      return { channel, waiting, handedOut, oldestMs: oldestWaitingMs };
    }),
  );
}
