import { secretFile, text } from "../infra/config.ts";
import { internalTlsVariables } from "../infra/grpc/tls.ts";
import { redisVariables } from "../infra/redis/connect.ts";
import { storeVariables } from "../infra/store-config.ts";

export const preferencesVariables = {
  ...storeVariables,
  ...redisVariables,
  ...internalTlsVariables,
  PREFERENCES_LISTEN: text({ default: "0.0.0.0:7710", reason: "host:port to listen on for our other services" }),
  INTERNAL_TOKEN_FILE: secretFile({ reason: "shared by our services; whoever has it may speak for any app" }),
};
