import { type Endpoint, endpointKey, keyAsSpelled } from "../core/delivery/endpoint.ts";
import type { ChangeEntry } from "../core/preferences/change.ts";
import { sha256 } from "../runtime/hash.ts";

/** 32 hex digits, the same for the same app and key: this is what makes a repeated Send one notification. */
export const notificationId = (app: string, idempotencyKey: string) => sha256("notification", app, idempotencyKey).slice(0, 32);

/** The id of a webhook's event: the same for the same change, however often and to how many endpoints it is sent. */
export const webhookEventId = ({ app, subject, version }: Pick<ChangeEntry, "app" | "subject" | "version">) =>
  `evt_${sha256("webhook", app, subject, String(version)).slice(0, 32)}`;

/** 32 hex digits that identify an endpoint where its address should not appear. */
export const endpointId = (endpoint: Endpoint) => idOf(endpointKey(endpoint));

/** endpointId(), and the id that development builds before 0.1.0 gave this spelling, where it is another. */
export const endpointIds = (endpoint: Endpoint): string[] => [...new Set([endpointKey(endpoint), keyAsSpelled(endpoint)])].map(idOf);

const idOf = (key: string) => sha256("endpoint", key).slice(0, 32);
