import { setTimeout as delay } from "node:timers/promises";
import type { Collection } from "mongodb";
import type { WebhookStore } from "../../core/ports/webhook-store.ts";
import type { WebhookEndpoint } from "../../core/webhooks/endpoint.ts";
import type { WebhookEventKey } from "../../core/webhooks/event.ts";
import { StoreError } from "../store/store-error.ts";
import { asStoreError, toStoreError } from "./errors.ts";
import { replaceVersion } from "./replace-version.ts";
import { type WebhookEventDocument, webhookEventId } from "./webhook-events.ts";

export interface WebhookEndpointsDocument {
  /** The app. */
  _id: string;
  endpoints: WebhookEndpoint[];
  /** Each change adds one. */
  version: number;
}

/** Of several writers one gets through at each round; operators and one relay are all who write. */
const CHANGE_TRIES_MAX = 40;
/** Longest random pause before reading again, in ms. */
const CHANGE_PAUSE_MS = 20;

const idOf = ({ change: { app, subject, version }, endpoint }: WebhookEventKey) => webhookEventId(app, subject, version, endpoint);

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
      asStoreError("change webhook endpoints", async () => {
        for (let tries = 1; tries <= CHANGE_TRIES_MAX; tries++) {
          const before = await endpoints.findOne({ _id: app });
          const next = { endpoints: edit(before?.endpoints ?? []), version: (before?.version ?? 0) + 1 };
          if (await replaceVersion(endpoints, app, before ? { version: before.version } : undefined, next)) return next.endpoints;
          await delay(Math.random() * CHANGE_PAUSE_MS);
        }
        throw new StoreError(`MongoDB, change webhook endpoints: ${CHANGE_TRIES_MAX} tries met other writers`);
      }),

    due: (app, endpoint, now, limit) =>
      asStoreError("read webhook events", async () => {
        // A limit of 0 would be none.
        if (limit <= 0) return [];
        const found = await events.find({ app, endpoint, due: { $lte: now } }, { sort: { due: 1 }, limit }).toArray();
        return found.map(({ subject, change, due, tries }) => ({ change: { app, subject, ...change }, endpoint, due, tries }));
      }),

    postpone: (event, to) =>
      asStoreError("postpone a webhook event", async () => void (await events.updateOne({ _id: idOf(event) }, { $set: to }))),

    end: (event) => asStoreError("end a webhook event", async () => void (await events.deleteOne({ _id: idOf(event) }))),

    forget: (app, endpoint) => asStoreError("forget webhook events", async () => (await events.deleteMany({ app, endpoint })).deletedCount),

    purge: (before, limit) =>
      asStoreError("purge webhook events", async () => {
        if (limit <= 0) return 0;
        const old = { "change.at": { $lt: before } };
        const found = await events.find(old, { projection: { _id: 1 }, sort: { "change.at": 1 }, limit }).toArray();
        return found.length === 0 ? 0 : (await events.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } })).deletedCount;
      }),

    oldest: () =>
      asStoreError("find the oldest webhook event", async () => (await events.findOne({}, { sort: { "change.at": 1 } }))?.change.at),

    recover,
  };
}
