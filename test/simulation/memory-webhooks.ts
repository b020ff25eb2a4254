// Webhook endpoints and their events in Maps, with the same contract as the other stores.
import type { WebhookStore } from "../../core/ports/webhook-store.ts";
import type { ChangeEntry } from "../../core/preferences/change.ts";
import type { WebhookEndpoint } from "../../core/webhooks/endpoint.ts";
import { keyOf, listenersOf, type WebhookEvent } from "../../core/webhooks/event.ts";
import { frozen } from "./frozen.ts";

/** Also what the store of preferences does with events. */
export interface MemoryWebhooks extends WebhookStore {
  changed(change: ChangeEntry): void;
  removed(app: string, subject: string): void;
}

export function createMemoryWebhooks(): MemoryWebhooks {
  const endpoints = new Map<string, WebhookEndpoint[]>();
  const events = new Map<string, WebhookEvent>();
  const endAll = (which: (event: WebhookEvent) => boolean) => {
    const found = [...events].filter(([, event]) => which(event));
    for (const [key] of found) events.delete(key);
    return found.length;
  };
  const byAge = () => [...events.values()].sort((a, b) => a.change.at - b.change.at);
  return {
    changed(change) {
      for (const endpoint of listenersOf(endpoints.get(change.app) ?? [], change.subject)) {
        const event = frozen({ change, endpoint, due: change.at, tries: 0 });
        events.set(keyOf(event), event);
      }
    },
    removed: (app, subject) => void endAll(({ change }) => change.app === app && change.subject === subject),
    find: async (app) => endpoints.get(app) ?? [],
    async *list() {
      for (const [app, own] of [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1))) yield { app, endpoints: own };
    },
    async change(app, edit) {
      const next = frozen(edit(endpoints.get(app) ?? []));
      if (next.length > 0) endpoints.set(app, next);
      else endpoints.delete(app);
      return next;
    },
    due: async (app, endpoint, now, limit) =>
      [...events.values()]
        .filter((event) => event.change.app === app && event.endpoint === endpoint && event.due <= now)
        .sort((a, b) => a.due - b.due)
        .slice(0, Math.max(0, limit)),
    async postpone(key, to) {
      const event = events.get(keyOf(key));
      if (event) events.set(keyOf(key), frozen({ ...event, ...to }));
    },
    end: async (key) => void events.delete(keyOf(key)),
    forget: async (app, endpoint) => endAll((event) => event.change.app === app && event.endpoint === endpoint),
    async purge(before, limit) {
      const old = byAge()
        .filter(({ change }) => change.at < before)
        .slice(0, Math.max(0, limit));
      return endAll((event) => old.includes(event));
    },
    oldest: async () => byAge()[0]?.change.at,
    recover: async () => 0,
  };
}
