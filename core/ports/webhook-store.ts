import type { WebhookEndpoint } from "../webhooks/endpoint.ts";
import type { WebhookEvent, WebhookEventKey } from "../webhooks/event.ts";

export interface AppWebhooks {
  app: string;
  endpoints: WebhookEndpoint[];
}

/**
 * Apps' webhook endpoints, and the events that they are still to be told. PreferenceStore.update() makes one for each change and each active endpoint of the app,
 * so that every stored change will be told. The events of a subject are removed with its history.
 */
export interface WebhookStore {
  /** Of an app; none: []. */
  find(app: string): Promise<WebhookEndpoint[]>;
  /** Of every app that has an endpoint, in the order of the apps' ids. */
  list(): AsyncIterable<AppWebhooks>;
  /** Changes an app's endpoints. Nothing that others write at the same moment is lost: `edit` is called again with what they wrote. */
  change(app: string, edit: (before: readonly WebhookEndpoint[]) => WebhookEndpoint[]): Promise<WebhookEndpoint[]>;
  /** Up to `limit` events of an endpoint that are due now, the earliest first. */
  due(app: string, endpoint: string, now: number, limit: number): Promise<WebhookEvent[]>;
  /** Moves an event that is still there. */
  postpone(event: WebhookEventKey, to: { due: number; tries: number }): Promise<void>;
  /** Removes an event that was told, or was given up. */
  end(event: WebhookEventKey): Promise<void>;
  /** Removes all events of an endpoint; resolves with how many. */
  forget(app: string, endpoint: string): Promise<number>;
  /** Removes up to `limit` events of changes before this moment (ms since the epoch); resolves with how many. */
  purge(before: number, limit: number): Promise<number>;
  /** When the oldest change was made that an endpoint is still to be told of; ms since the epoch. Undefined: there is none. */
  oldest(): Promise<number | undefined>;
  /**
   * Makes the missing events of up to `limit` changes before this moment: a process may die after it stored a change and before it made the events. Resolves with
   * how many such changes there were; a store that writes both in one transaction has none.
   */
  recover(before: number, limit: number): Promise<number>;
}
