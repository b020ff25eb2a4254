import { systemClock } from "../../infra/clock.ts";
import { defineRole } from "../../infra/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";
import { smsVariables } from "./config.ts";
import { createSmsProviders } from "./providers.ts";

export const role = defineRole({
  name: "dispatcher-sms",
  about: "sends SMS by Twilio and Vonage",
  variables: { ...dispatcherVariables, ...smsVariables },
  start: async (config, runtime) => serveDispatcher("sms", createSmsProviders(config, { clock: systemClock }), config, runtime),
});
