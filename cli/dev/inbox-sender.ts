import { openStore } from "../../adapters/store/open-store.ts";
import { endpointToProto } from "../../adapters/wire/convert.ts";
import type { Recipient } from "../../core/delivery/notification.ts";
import { notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { PreferenceServiceService, type Subject } from "../../gen/carillon/v1/preference_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import type { Sender } from "../../sandbox/main.ts";
import { connectGateway } from "../gateway/connect.ts";
import { readDeliveryHistory } from "./delivery-history.ts";

export interface InboxSenderParts {
  storeUrl: string;
  gatewayAddress: string;
  /** Of `app`. */
  apiKey: string;
  app: string;
}

/** Answers what the sandbox's inbox asks, from the store and the gateway. Connects at the first question: most runs show no inbox. */
export function openInboxSender({ storeUrl, gatewayAddress, apiKey, app }: InboxSenderParts): Sender & AsyncDisposable {
  const stack = new AsyncDisposableStack();
  let opening: Promise<Store> | undefined;
  const store = () => {
    opening ??= openStore(storeUrl).then((opened) => stack.use(opened));
    return opening;
  };
  return {
    history: async (deliveryId) => readDeliveryHistory(await store(), deliveryId),
    async preferencePage(deliveryId) {
      const notification = await (await store()).notifications.find(notificationIdOf(deliveryId));
      // The key is of one app.
      if (notification?.app !== app) return undefined;
      using clients = connectGateway(gatewayAddress, apiKey);
      const { url } = await callUnary(clients.preferences, PreferenceServiceService.createPreferencesLink, {
        subject: subjectOf(notification.recipient),
      });
      return url;
    },
    async [Symbol.asyncDispose]() {
      await opening?.catch(() => undefined);
      await stack.disposeAsync();
    },
  };
}

const subjectOf = (recipient: Recipient): Subject => ({
  subject:
    recipient.kind === "user"
      ? { $case: "userId", value: recipient.userId }
      : { $case: "endpoint", value: endpointToProto(recipient.endpoint) },
});
