import { defineRole } from "../../runtime/run.ts";
import { dispatcherVariables } from "../config.ts";
import { serveDispatcher } from "../serve.ts";
import { emailVariables } from "./config.ts";
import { createEmailProviders } from "./providers.ts";

export const role = defineRole({
  name: "dispatcher-email",
  about: "sends e-mail by SendGrid and Mailchimp Transactional",
  variables: { ...dispatcherVariables, ...emailVariables },
  start: (config, runtime) => serveDispatcher("email", { variables: emailVariables, create: createEmailProviders }, config, runtime),
});
