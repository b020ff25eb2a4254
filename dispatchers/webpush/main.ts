import { webPushVariables } from "../../providers/webpush/config.ts";
import { createWebPushProvider } from "../../providers/webpush/provider.ts";
import { defineRole } from "../../runtime/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";

export const role = defineRole({
  name: "dispatcher-webpush",
  about: "sends pushes to browsers by Web Push",
  variables: { ...dispatcherVariables, ...webPushVariables },
  start: (config, runtime) =>
    serveDispatcher(
      "webpush",
      { variables: webPushVariables, create: (current, parts) => [createWebPushProvider(current, parts)] },
      config,
      runtime,
    ),
});
