import type { Collection } from "mongodb";
import type { WebhookStore } from "../../core/ports/webhook-store.ts";
import type { WebhookEndpoint } from "../../core/webhooks/endpoint.ts";
import { keyOf } from "../../core/webhooks/event.ts";
import { asStoreError, toStoreError } from "./errors.ts";
import { replaceVersion, retryWrite } from "./replace-version.ts";
import type { WebhookEventDocument } from "./webhook-events.ts";
import { deleteFirst } from "./writes.ts";

export interface WebhookEndpointsDocument {
  /** The app. */
  _id: string;
  endpoints: WebhookEndpoint[];
  /** Each change adds one. */
  version: number;
}

/** Only operators and one relay write these documents, so far fewer tries are ever needed. */
const CHANGE_TRIES = { triesMax: 40, pauseMs: 20 };

/** @param recover as WebhookStore has it; of the store of preferences, whose records it reads */
export function createWebhookStore(
  endpoints: Collection<WebhookEndpointsDocument>,
  events: Collection<WebhookEventDocument>,
  recover: WebhookStore["recover"],
): WebhookStore {
  return {
    find: (app) => asStoreError("find webhook endpoints", async () => (await endpoints.findOne({ _id: app }))?.endpoints ?? []),

    async *list() {
      try {
        for await (const { _id, endpoints: own } of endpoints.find({}, { sort: { _id: 1 } }))
          if (own.length > 0) yield { app: _id, endpoints: own };
      } catch (error) {
        throw toStoreError("list webhook endpoints", error);
      }
    },

    change: (app, edit) =>
      retryWrite("change webhook endpoints", CHANGE_TRIES, async () => {
        const before = await endpoints.findOne({ _id: app });
        const next = { endpoints: edit(before?.endpoints ?? []), version: (before?.version ?? 0) + 1 };
        const isFirst = await replaceVersion(endpoints, app, before ? { version: before.version } : undefined, next);
        return isFirst ? next.endpoints : undefined;
      }),

    due: (app, endpoint, now, limit) =>
      asStoreError("read webhook events", async () => {
        // A limit of 0 would be none.
        if (limit <= 0) return [];
        const found = await events.find({ app, endpoint, due: { $lte: now } }, { sort: { due: 1 }, limit }).toArray();
        return found.map(({ subject, change, due, tries }) => ({ change: { app, subject, ...change }, endpoint, due, tries }));
      }),

    postpone: (event, to) =>
      asStoreError("postpone a webhook event", async () => void (await events.updateOne({ _id: keyOf(event) }, { $set: to }))),

    end: (event) => asStoreError("end a webhook event", async () => void (await events.deleteOne({ _id: keyOf(event) }))),

    forget: (app, endpoint) => asStoreError("forget webhook events", async () => (await events.deleteMany({ app, endpoint })).deletedCount),

    purge: (before, limit) =>
      asStoreError("purge webhook events", () => deleteFirst(events, { "change.at": { $lt: before } }, { "change.at": 1 }, limit)),

    oldest: () =>
      asStoreError("find the oldest webhook event", async () => (await events.findOne({}, { sort: { "change.at": 1 } }))?.change.at),

    recover,
  };
}
