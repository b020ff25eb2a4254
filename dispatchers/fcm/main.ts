import { systemClock } from "../../infra/clock.ts";
import { defineRole } from "../../infra/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";
import { fcmVariables } from "./config.ts";
import { createFcmProvider } from "./provider.ts";

export const role = defineRole({
  name: "dispatcher-fcm",
  about: "sends pushes to Android devices by FCM",
  variables: { ...dispatcherVariables, ...fcmVariables },
  start: async (config, runtime) => serveDispatcher("fcm", [createFcmProvider(config, { clock: systemClock })], config, runtime),
});
