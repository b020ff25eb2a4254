import type { Channel } from "../delivery/channel.ts";

/** A calling service, what it may use, and the hashes of its API keys. */
export interface AppRecord {
  id: string;
  channels: Channel[];
  /** Hex SHA-256 of each key. */
  keyHashes: string[];
}

export interface AppStore {
  /** Inserts or replaces. */
  put(app: AppRecord): Promise<void>;
  find(id: string): Promise<AppRecord | undefined>;
  findByKeyHash(keyHash: string): Promise<AppRecord | undefined>;
}
