import assert from "node:assert/strict";
import { connectGateway } from "../../cli/gateway/connect.ts";
import type { Accepted, Notification } from "../../gen/carillon/v1/notification_service.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { sendBatch } from "../e2e/calls.ts";
import type { TestSystem } from "./system.ts";

/** An app of its own beside the system's default one. */
export interface Sender {
  /** All of its notifications that were accepted. */
  readonly accepted: readonly Accepted[];
  /** Resolves to their ids; rejects where one is not accepted. */
  send(notifications: readonly Notification[]): Promise<string[]>;
}

/** An app with texts and mails. @param stack ends its connection */
export async function startSender({ store, gatewayAddress }: TestSystem, id: string, stack: AsyncDisposableStack): Promise<Sender> {
  const { key } = await createApp(store.apps, id, ["sms", "email"], { now: Date.now() });
  const clients = stack.use(connectGateway(gatewayAddress, key));
  const accepted: Accepted[] = [];
  return {
    accepted,
    async send(notifications) {
      const results = await sendBatch({ clients }, [...notifications]);
      const taken = results.map((result) => (result?.$case === "accepted" ? result.value : assert.fail("it was not accepted")));
      accepted.push(...taken);
      return taken.map(({ notificationId }) => notificationId);
    },
  };
}
