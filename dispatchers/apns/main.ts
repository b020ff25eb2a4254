import { apnsVariables } from "../../providers/apns/config.ts";
import { createApnsProvider } from "../../providers/apns/provider.ts";
import { defineRole } from "../../runtime/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";

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
