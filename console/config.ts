import { natsVariables } from "../adapters/nats/connect.ts";
import { preferenceVariables } from "../adapters/opt-outs/open-preferences.ts";
import { storeVariables } from "../adapters/store/store-config.ts";
import { hostPort } from "../runtime/config.ts";
import { authVariables } from "./auth/config.ts";

export const consoleVariables = {
  ...storeVariables,
  ...preferenceVariables,
  ...natsVariables,
  CONSOLE_LISTEN: hostPort({
    default: "127.0.0.1:7750",
    reason: "address of the pages. Behind an ingress that ends TLS it is 0.0.0.0:7750, which needs CONSOLE_OIDC_ISSUER",
  }),
  ...authVariables,
};
