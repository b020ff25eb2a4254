import { defineRole } from "../../runtime/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";
import { smsVariables } from "./config.ts";
import { createSmsProviders } from "./providers.ts";

export const role = defineRole({
  name: "dispatcher-sms",
  about: "sends SMS by Twilio and Vonage",
  variables: { ...dispatcherVariables, ...smsVariables },
  start: (config, runtime) => serveDispatcher("sms", { variables: smsVariables, create: createSmsProviders }, config, runtime),
});
