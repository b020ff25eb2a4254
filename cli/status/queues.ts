import { connectNats, natsVariables } from "../../adapters/nats/connect.ts";
import { createQueueReader } from "../../adapters/nats/queue-state.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { type Environment, readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";

/** A channel's queue; or, where it cannot be read, why. */
export type QueueStatus = { channel: Channel; waiting: number; handedOut: number; oldestMs: number } | { channel: Channel; why: string };

/** The queues at NATS_URL; undefined where it is not set. */
export async function readQueues(env: Environment): Promise<QueueStatus[] | undefined> {
  if (!env.NATS_URL) return undefined;
  await using nats = await connectNats(readConfig(natsVariables, env), createLogger("status", "error"));
  const read = await createQueueReader(nats);
  return await Promise.all(
    CHANNELS.map(async (channel): Promise<QueueStatus> => {
      const reading = await read(channel, true);
      if (reading.kind === "unreadable") return { channel, why: reading.why };
      const { waiting, handedOut, oldestWaitingMs = 0 } = reading.state;
      return { channel, waiting, handedOut, oldestMs: oldestWaitingMs };
    }),
  );
}
