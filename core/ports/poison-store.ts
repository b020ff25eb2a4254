import type { Channel, NotificationClass } from "../delivery/channel.ts";

/** A message of the queue that nobody could handle, with its bytes as they came. */
export interface PoisonRecord {
  /** The message's id: delivery id, "/", attempt, ".", publication; where it has none, stream and sequence. */
  id: string;
  channel: Channel;
  notificationClass: NotificationClass;
  reason: string;
  /** At most what the queue lets through: 1 MiB. */
  bytes: Uint8Array;
  /** ms since the epoch. */
  keptAt: number;
}

/** What could not be handled. */
export interface PoisonStore {
  /** The first record of an id stays. */
  keep(record: PoisonRecord): Promise<void>;
  /** The newest first, up to `limit`. */
  list(limit: number): Promise<PoisonRecord[]>;
}
