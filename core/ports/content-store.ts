import type { Content } from "../content/content.ts";

/** One part of a notification's content that is too large to be kept in the notification, shared by all notifications that have the same. */
export interface StoredContent {
  /** Contents are never shared between apps. */
  app: string;
  /** Hex SHA-256 of the content: with the app, its address. */
  hash: string;
  /** Exactly one part. */
  content: Content;
  /** ms since the epoch; a purge removes it only after this moment, and only where no notification refers to it. */
  keepUntil: number;
}

/** Large contents, written before the notifications that refer to them. Every write is durable when its promise resolves. */
export interface ContentStore {
  /**
   * Inserts each content that is missing; of one that exists, moves `keepUntil` forward in the same write, never back. Once it resolves, no purge
   * with a moment before `keepUntil` can remove what was put. Equal addresses within one call: the latest `keepUntil` counts.
   */
  put(contents: readonly StoredContent[]): Promise<void>;
  get(app: string, hash: string): Promise<Content | undefined>;
  /**
   * Of up to `limit` contents whose `keepUntil` is earlier than `before`, removes those to which no notification refers, and keeps the others for
   * REFERRED_KEEP_MS more; resolves with how many were removed.
   */
  purge(before: number, limit: number): Promise<number>;
}
