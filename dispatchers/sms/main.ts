import { systemClock } from "../../infra/clock.ts";
import { defineRole } from "../../infra/run.ts";
import { dispatcherVariables } from "../config.ts";
import { type Providers, serveDispatcher } from "../serve.ts";
import { smsVariables } from "./config.ts";
import { listedSmsProviders } from "./providers.ts";

export const role = defineRole({
  name: "dispatcher-sms",
  about: "sends SMS by Twilio and Vonage",
  variables: { ...dispatcherVariables, ...smsVariables },
  start: async (config, runtime) => {
    const create = listedSmsProviders(config);
    const providers: Providers = ({ attempts }) =>
      create({ clock: systemClock, attribute: (sid, attemptId) => attempts.attribute("twilio", sid, attemptId) });
    return serveDispatcher("sms", providers, config, runtime);
  },
});
