import { defineProvider } from "../definition.ts";
import { webPushVariables } from "./config.ts";

export const webpush = defineProvider({
  name: "webpush",
  title: "Web Push",
  channel: "webpush",
  variables: webPushVariables,
  requires: ["WEBPUSH_VAPID_PUBLIC_KEY", "WEBPUSH_VAPID_PRIVATE_KEY_FILE", "WEBPUSH_VAPID_SUBJECT"],
  load: async () => (await import("./provider.ts")).createWebPushProvider,
});
