import { integer, secretFile, text } from "../infra/config.ts";
import { natsVariables } from "../infra/nats/connect.ts";
import { streamVariables } from "../infra/nats/streams.ts";
import { redisVariables } from "../infra/redis/connect.ts";
import { storeVariables } from "../infra/store-config.ts";
import { providerVariables } from "./provider-config.ts";

/** What every dispatcher reads beside its providers' own variables. */
export const dispatcherVariables = {
  ...storeVariables,
  ...natsVariables,
  ...streamVariables,
  ...redisVariables,
  ...providerVariables,
  PREFERENCES_ADDRESS: text({ default: "127.0.0.1:7710", reason: "host:port of the preferences service" }),
  INTERNAL_TOKEN_FILE: secretFile({ reason: "shared by our services; lets a dispatcher ask for refusals of any app" }),
  DISPATCH_IN_FLIGHT: integer(1, 10_000, {
    default: "128",
    unit: "tasks",
    reason: "handled at once per class in one pod; at 100 ms a call about 1,280/s. Keep NATS_ACK_PENDING_MAX above pods x this",
  }),
};
