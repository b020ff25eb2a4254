import { requireLinks, unsubscribeVariables } from "../adapters/unsubscribe-links.ts";
import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import { channelVariables, loadProviders, providersOf } from "../providers/channel-providers.ts";
import { defineRole, type Role } from "../runtime/run.ts";
import { type DispatcherConfig, dispatcherVariables } from "./config.ts";
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
  // Another channel has none of them, and reads none.
  const linkVariables = (channel === "email" ? unsubscribeVariables : {}) as typeof unsubscribeVariables;
  return defineRole({
    name: `dispatcher-${channel}`,
    about: `sends ${WHAT[channel]} by ${new Intl.ListFormat("en").format(providersOf(channel).map((p) => p.title))}`,
    variables: { ...dispatcherVariables, ...providerVariables, ...linkVariables },
    async start(config: DispatcherConfig, runtime) {
      if (channel === "email") requireLinks(config);
      const loaded = await loadProviders(channel, config, { all: config.PROVIDER_ACCOUNTS_DIR !== "" });
      return serveDispatcher(channel, { variables: providerVariables, ...loaded }, config, runtime);
    },
  });
});
