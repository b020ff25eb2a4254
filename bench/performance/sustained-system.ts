import { join } from "node:path";
import { openStore } from "../../adapters/store/open-store.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import type { Store } from "../../core/ports/store.ts";
import { startSandbox } from "../../sandbox/main.ts";
import { type Program, startProgram } from "../program.ts";
import type { MixedOrder } from "../programs/mixed-load.ts";
import type { StubQuestion, StubState } from "../programs/provider-stub.ts";
import { limitHeaps, startRoles } from "../roles.ts";
import { startWorld, type World } from "../world.ts";

/** Every role as a process, with a load generator and a stub of each channel's provider. */
export interface MixedSystem {
  world: World;
  load: Program;
  /** Process ids by name. */
  pids: Readonly<Record<string, number>>;
  roles: readonly string[];
  stubs: Readonly<Record<Channel, Program>>;
  target: Pick<MixedOrder, "address" | "key" | "subscription">;
  store: Store;
  /** Whether nothing is under way: no task is queued, no notification open, no receipt still to come. */
  isCalm(): Promise<boolean>;
}

/** Channels whose providers send receipts. */
export const RECEIPT_CHANNELS = ["sms", "email"] as const satisfies readonly Channel[];

const ROLES = ["gateway", "relay", ...CHANNELS.map((channel) => `dispatcher-${channel}` as const)] as const;

/** Providers answer at once; texts and e-mails are followed by two signed delivery receipts, as Twilio and SendGrid send them. */
export async function startMixedSystem(stack: AsyncDisposableStack, storeUrl: string): Promise<MixedSystem> {
  const world = stack.use(await startWorld(storeUrl));
  // Credentials, certificate and access tokens; the sends go to the stubs.
  const directory = join(world.directory, "sandbox");
  const sandbox = stack.use(await startSandbox({ directory }));
  const stubs = startStubs(stack, directory);
  const originOf = async (channel: Channel) => (await stubs[channel].ask<{ origin: string }>()).origin;
  const origin = await originOf("webpush");
  const { FEEDBACK_URL = "" } = world.env;
  Object.assign(world.env, sandbox.env, {
    ...{ APNS_ORIGIN: await originOf("apns"), FCM_ORIGIN: await originOf("fcm"), TWILIO_ORIGIN: await originOf("sms") },
    ...{ SENDGRID_ORIGIN: await originOf("email"), WEBPUSH_HOSTS: new URL(origin).host, OUTBOUND_ALLOWED_ADDRESSES: "127.0.0.1" },
    ...{ SMS_PROVIDERS: "twilio", EMAIL_PROVIDERS: "sendgrid", FEEDBACK_URL },
  });
  limitHeaps(world);
  const feedback = stack.use(await world.role("feedback"));
  const webhooks = `http://${feedback.addresses.webhooks}`;
  world.env.TWILIO_STATUS_CALLBACK_URL = `${webhooks}/twilio`;
  for (const channel of RECEIPT_CHANNELS) await stubs[channel].ask({ receipts: { directory, target: webhooks } } satisfies StubQuestion);
  const started = { ...(await startRoles(stack, world, ...ROLES)), feedback };
  const load = stack.use(startProgram(["bench/programs/mixed-load.ts"]));
  const store = stack.use(await openStore(world.storeUrl));
  const { p256dh, auth } = sandbox.webPushSubscription("bench");
  return {
    ...{ world, load, stubs, store, roles: Object.keys(started) },
    pids: {
      ...Object.fromEntries(Object.entries(started).map(([name, { pid }]) => [name, pid])),
      ...{ nats: world.natsServer.pid ?? 0, redis: world.redisServer.pid ?? 0, "load generator": load.pid },
      ...Object.fromEntries(CHANNELS.map((channel) => [`stub of ${channel}`, stubs[channel].pid])),
    },
    target: { address: started.gateway.addresses.grpc ?? "", key: world.apiKey, subscription: { origin, p256dh, auth } },
    async isCalm() {
      const streams = await Promise.all(CHANNELS.map((channel) => world.manager.streams.info(streamName(channel))));
      if (streams.some(({ state }) => state.messages > 0)) return false;
      if ((await store.notifications.openCount(1)) > 0) return false;
      const states = await Promise.all(RECEIPT_CHANNELS.map((channel) => stubs[channel].ask<StubState>()));
      return states.every(({ receipts }) => receipts?.open === 0);
    },
  };
}

function startStubs(stack: AsyncDisposableStack, directory: string): Record<Channel, Program> {
  const files = [join(directory, "server.pem"), join(directory, "server-key.pem")];
  const start = (channel: Channel) =>
    stack.use(startProgram([`bench/programs/${channel === "apns" ? "push" : "provider"}-stub.ts`, ...files]));
  return Object.fromEntries(CHANNELS.map((channel) => [channel, start(channel)])) as Record<Channel, Program>;
}
