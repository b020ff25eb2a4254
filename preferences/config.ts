import { redisVariables } from "../adapters/redis/connect.ts";
import { storeVariables } from "../adapters/store/store-config.ts";
import { unsubscribeVariables } from "../adapters/unsubscribe-links.ts";
import { text } from "../runtime/config.ts";
import { internalTokenVariables } from "../runtime/internal-tokens.ts";
import { internalTlsVariables } from "../runtime/tls/grpc-tls.ts";

export const preferencesVariables = {
  ...storeVariables,
  ...redisVariables,
  ...internalTlsVariables,
  ...internalTokenVariables,
  ...unsubscribeVariables,
  PREFERENCES_LISTEN: text({ default: "0.0.0.0:7710", reason: "host:port to listen on for the other services" }),
};
