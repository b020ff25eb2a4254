import { type Endpoint, endpointKey } from "../core/delivery/endpoint.ts";
import { sha256 } from "../runtime/hash.ts";

/** 32 hex digits, the same for the same app and key: this is what makes a repeated Send one notification. */
export const notificationId = (app: string, idempotencyKey: string) =>
  sha256("notification", app, idempotencyKey).digest("hex").slice(0, 32);

/** 32 hex digits that identify an endpoint where its address should not appear. */
export const endpointId = (endpoint: Endpoint) => sha256("endpoint", endpointKey(endpoint)).digest("hex").slice(0, 32);
