import { defineRole } from "../../infra/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";
import { apnsVariables } from "./config.ts";
import { createApnsProvider } from "./provider.ts";

export const role = defineRole({
  name: "dispatcher-apns",
  about: "sends pushes to Apple devices by APNs",
  variables: { ...dispatcherVariables, ...apnsVariables },
  start: (config, runtime) =>
    serveDispatcher(
      "apns",
      { variables: apnsVariables, create: (current, parts) => [createApnsProvider(current, parts)] },
      config,
      runtime,
    ),
});
