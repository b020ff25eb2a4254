import { redisVariables } from "../adapters/redis/connect.ts";
import { storeVariables } from "../adapters/store/store-config.ts";
import { secretFile, text } from "../runtime/config.ts";
import { internalTlsVariables } from "../runtime/tls/grpc-tls.ts";

export const preferencesVariables = {
  ...storeVariables,
  ...redisVariables,
  ...internalTlsVariables,
  PREFERENCES_LISTEN: text({ default: "0.0.0.0:7710", reason: "host:port to listen on for the other services" }),
  INTERNAL_TOKEN_FILE: secretFile({ reason: "shared by our services; a holder of it may act for any app" }),
};
