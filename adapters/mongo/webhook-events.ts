import type { Collection } from "mongodb";
import { keyOf } from "../../core/webhooks/event.ts";
import type { StoredChange } from "../store/stored.ts";
import { insertNew } from "./writes.ts";

export interface WebhookEventDocument {
  /** As keyOf() has it. */
  _id: string;
  app: string;
  subject: string;
  endpoint: string;
  change: StoredChange;
  due: number;
  tries: number;
}

/** A record of preferences whose last change was stored, and whose events may not have been made yet. */
export interface Untold {
  /** When the change was made, in ms since the epoch: processes that died are found by it. */
  at: number;
  endpoints: string[];
}

/** The ids of a subject's events, as one range: JSON without its end sorts before all that begin with it. A comma follows it, and a minus sorts after that. */
const rangeOf = (app: string, subject: string) => {
  const head = JSON.stringify([app, subject]).slice(0, -1);
  return { $gte: `${head},`, $lt: `${head}-` };
};

/** What a change of preferences writes for webhooks. */
export const createWebhookEvents = (events: Collection<WebhookEventDocument>) => ({
  /** Those that are not there. */
  async add(app: string, subject: string, change: StoredChange, endpoints: readonly string[]): Promise<void> {
    const documents = endpoints.map((endpoint) => ({
      _id: keyOf({ change: { app, subject, version: change.version }, endpoint }),
      ...{ app, subject, endpoint, change, due: change.at, tries: 0 },
    }));
    await insertNew(events, documents);
  },
  /** Those of changes up to this version. */
  remove: (app: string, subject: string, version: number) =>
    events.deleteMany({ _id: rangeOf(app, subject), "change.version": { $lte: version } }),
});
