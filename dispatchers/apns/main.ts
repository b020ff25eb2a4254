import { systemClock } from "../../infra/clock.ts";
import { defineRole } from "../../infra/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";
import { apnsVariables } from "./config.ts";
import { createApnsProvider } from "./provider.ts";

export const role = defineRole({
  name: "dispatcher-apns",
  about: "sends pushes to Apple devices by APNs",
  variables: { ...dispatcherVariables, ...apnsVariables },
  start: async (config, runtime) => serveDispatcher("apns", [createApnsProvider(config, { clock: systemClock })], config, runtime),
});
