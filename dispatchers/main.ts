import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import { channelVariables, loadProviders, providersOf } from "../providers/channel-providers.ts";
import type { Values } from "../runtime/config.ts";
import { defineRole, type Role } from "../runtime/run.ts";
import { dispatcherVariables } from "./config.ts";
import { serveDispatcher } from "./serve.ts";

const WHAT: Readonly<Record<Channel, string>> = {
  apns: "pushes to Apple devices",
  fcm: "pushes to Android devices",
  webpush: "pushes to browsers",
  sms: "SMS",
  email: "e-mail",
};

/** One role a channel. */
export const roles: readonly Role[] = CHANNELS.map((channel) => {
  const providerVariables = channelVariables(channel);
  return defineRole({
    name: `dispatcher-${channel}`,
    about: `sends ${WHAT[channel]} by ${new Intl.ListFormat("en").format(providersOf(channel).map((p) => p.title))}`,
    variables: { ...dispatcherVariables, ...providerVariables },
    async start(config: Values<typeof dispatcherVariables>, runtime) {
      const loaded = await loadProviders(channel, config, { all: config.PROVIDER_ACCOUNTS_DIR !== "" });
      return serveDispatcher(channel, { variables: providerVariables, ...loaded }, config, runtime);
    },
  });
});
