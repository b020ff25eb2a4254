import { randomBytes } from "node:crypto";
import type { Endpoint } from "../../core/endpoint.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";

/** A push with ids of its own; `over` replaces what a test is about. */
export function samplePush(endpoint: Endpoint, over: Partial<OutboundDelivery> = {}): OutboundDelivery {
  const deliveryId = `${randomBytes(16).toString("hex")}-0`;
  return {
    deliveryId,
    attemptId: attemptId(deliveryId, 1),
    app: "kitchen",
    channel: endpoint.channel,
    endpoint,
    notificationClass: "transactional",
    category: "orders",
    content: { push: { title: "Dinner", body: "is ready 🍲", data: { table: "7" } } },
    priority: "high",
    expiresAt: Date.now() + 3_600_000,
    ...over,
  };
}

/** A push whose payload has exactly `bytes` by `count`, made so by the length of its body. */
export function pushOfBytes(push: OutboundDelivery, bytes: number, count: (push: OutboundDelivery) => number): OutboundDelivery {
  const withBody = (body: string) => ({ ...push, content: { push: { title: "t", body, data: {} } } });
  return withBody("x".repeat(bytes - count(withBody(""))));
}
