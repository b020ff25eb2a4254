import { systemClock } from "../../infra/clock.ts";
import { defineRole } from "../../infra/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";
import { webPushVariables } from "./config.ts";
import { createWebPushProvider } from "./provider.ts";

export const role = defineRole({
  name: "dispatcher-webpush",
  about: "sends pushes to browsers by Web Push",
  variables: { ...dispatcherVariables, ...webPushVariables },
  start: async (config, runtime) => serveDispatcher("webpush", [createWebPushProvider(config, { clock: systemClock })], config, runtime),
});
