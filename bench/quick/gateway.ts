import { setTimeout as delay } from "node:timers/promises";
import { streamName } from "../../core/delivery/subjects.ts";
import type { Limits, Side, Work } from "../compare/rounds.ts";
import { cpu, measure, rate, type Section } from "../compare/section.ts";
import { liftQueueLimit } from "../performance/publishing.ts";
import { startProgram } from "../program.ts";
import { startWorld } from "../world.ts";
import { BATCH, callGateway } from "./call-gateway.ts";

/** Wait for the last accepted notifications to be published before the next slice. */
const PUBLISHED_MS = 2_000;
const POLL_MS = 5;

/**
 * What does accepting cost in the gateway, compared with a grpc-js server that only decodes and answers?
 * @param storeUrl as startWorld() takes it
 */
export async function measureGateway(limits: Limits, storeUrl = "sqlite"): Promise<Section> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld(storeUrl));
  const preferences = stack.use(await world.role("preferences"));
  world.env.PREFERENCES_ADDRESS = preferences.addresses.grpc ?? "";
  const gateway = stack.use(await world.role("gateway"));
  // Else the gateway would leave all but some hundred notifications of a slice to a relay, which does not run.
  await liftQueueLimit(world, "apns");
  const bare = stack.use(startProgram(["bench/programs/null-gateway.ts"]));
  const load = stack.use(startProgram(["bench/programs/load.ts"]));
  const { address: bareAddress } = await bare.ask<{ address: string }>();
  const stream = streamName("apns");

  const call = (address: string, batch: number, notifications: number) =>
    callGateway(load, { address, key: world.apiKey, batch, notifications });
  /** Waits until everything accepted is in the stream, then purges the stream, as no dispatcher runs. */
  async function published(work: Work): Promise<Work> {
    const giveUpAt = performance.now() + PUBLISHED_MS;
    while ((await world.manager.streams.info(stream)).state.messages < work.items && performance.now() < giveUpAt) await delay(POLL_MS);
    await world.manager.streams.purge(stream);
    return work;
  }

  const servers = { nats: world.natsServer.pid ?? 0, redis: world.redisServer.pid ?? 0 };
  const ours = { gateway: gateway.pid, preferences: preferences.pid, ...servers };
  const instruments = { load: load.pid };
  const own = { processes: ours, instruments };
  const nullServer = { processes: { server: bare.pid }, instruments };
  const address = gateway.addresses.grpc ?? "";
  const sides: Side[] = [
    { name: "null unary", ...nullServer, run: (n) => call(bareAddress, 0, n) },
    { name: "gateway unary", ...own, run: async (n) => published(await call(address, 0, n)) },
    { name: "null batch", ...nullServer, run: (n) => call(bareAddress, BATCH, n) },
    { name: "gateway batch", ...own, run: async (n) => published(await call(address, BATCH, n)) },
  ];
  return await measure(
    "Accepting: gateway compared with a grpc-js server that decodes and answers",
    sides,
    [
      { what: "unary: rate, gateway / null", over: rate("gateway unary"), under: rate("null unary") },
      { what: "unary: CPU, gateway process / null", over: cpu("gateway unary", "gateway"), under: cpu("null unary", "server") },
      { what: "batch: rate, gateway / null", over: rate("gateway batch"), under: rate("null batch") },
      { what: "batch: CPU, gateway process / null", over: cpu("gateway batch", "gateway"), under: cpu("null batch", "server") },
      { what: "rate, gateway batch / null unary", over: rate("gateway batch"), under: rate("null unary") },
    ],
    limits,
  );
}
