import { fcmVariables } from "../../providers/fcm/config.ts";
import { createFcmProvider } from "../../providers/fcm/provider.ts";
import { defineRole } from "../../runtime/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";

export const role = defineRole({
  name: "dispatcher-fcm",
  about: "sends pushes to Android devices by FCM",
  variables: { ...dispatcherVariables, ...fcmVariables },
  start: (config, runtime) =>
    serveDispatcher("fcm", { variables: fcmVariables, create: (current, parts) => [createFcmProvider(current, parts)] }, config, runtime),
});
