import { defineProvider } from "../definition.ts";
import { fcmVariables } from "./config.ts";

export const fcm = defineProvider({
  name: "fcm",
  title: "FCM",
  channel: "fcm",
  variables: fcmVariables,
  requires: ["FCM_SERVICE_ACCOUNT_FILE"],
  load: async () => (await import("./provider.ts")).createFcmProvider,
});
