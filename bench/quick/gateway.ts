import { streamName } from "../../core/delivery/subjects.ts";
import type { Limits, Side, Work } from "../compare/rounds.ts";
import { cpu, measure, rate, type Section } from "../compare/section.ts";
import { startProgram } from "../program.ts";
import { liftQueueLimit, PUBLISHED_SHARE_MIN, takeQueued } from "../queued.ts";
import { startRoles } from "../roles.ts";
import { startWorld } from "../world.ts";
import { BATCH, callGateway } from "./call-gateway.ts";

/** What a gateway publishes beside its answers is in the stream within a second; the rest is for a busy machine. */
const PUBLISHED_MS_MAX = 30_000;

/**
 * What does accepting cost in the gateway, compared with a grpc-js server that only decodes and answers?
 * @param storeUrl as startWorld() takes it
 */
export async function measureGateway(limits: Limits, storeUrl = "sqlite"): Promise<Section> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld(storeUrl));
  const { preferences, gateway } = await startRoles(stack, world, "gateway");
  // Else the gateway would leave all but some hundred notifications of a slice to a relay, which does not run.
  await liftQueueLimit(world, "apns");
  const bare = stack.use(startProgram(["bench/programs/null-gateway.ts"]));
  const load = stack.use(startProgram(["bench/programs/load.ts"]));
  const { address: bareAddress } = await bare.ask<{ address: string }>();
  const stream = streamName("apns");

  const call = (address: string, batch: number, notifications: number) =>
    callGateway(load, { address, key: world.apiKey, batch, notifications });
  async function published(work: Work): Promise<Work> {
    await takeQueued(world, stream, { tasks: work.items, limitMs: PUBLISHED_MS_MAX, leastShare: PUBLISHED_SHARE_MIN });
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
