import { streamName } from "../../core/delivery/subjects.ts";
import type { Limits, Side, Work } from "../compare/rounds.ts";
import { cpu, measure, rate, type Section } from "../compare/section.ts";
import { startProgram } from "../program.ts";
import { streamIsEmpty } from "../queued.ts";
import { startRoles } from "../roles.ts";
import { startWorld } from "../world.ts";
import { BATCH, callGateway } from "./call-gateway.ts";
import { startNaive } from "./naive.ts";
import { startPushStub } from "./push-stub.ts";
import { awaitPushed } from "./pushed.ts";

/** Limit of a slice, far above its length on a busy machine; beyond it a notification was lost. */
const SLICE_MS_MAX = 30_000;

/**
 * What does a notification cost from the call to the push, compared with the naive baseline?
 * @param storeUrl as startWorld() takes it
 */
export async function measureEndToEnd(limits: Limits, storeUrl = "sqlite"): Promise<Section> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld(storeUrl));
  const stub = stack.use(await startPushStub(world));
  const {
    preferences,
    gateway,
    relay,
    "dispatcher-apns": dispatcher,
  } = await startRoles(stack, world, "gateway", "relay", "dispatcher-apns");
  const baseline = stack.use(await startNaive(world, stub));
  const load = stack.use(startProgram(["bench/programs/load.ts"]));

  async function convey(address: string, stream: string, batch: number, notifications: number): Promise<Work> {
    const before = await stub.taken();
    const began = performance.now();
    const { items: accepted } = await callGateway(load, { address, key: world.apiKey, batch, notifications });
    const pushedAt = await awaitPushed(
      { stub, isEmpty: streamIsEmpty(world, stream) },
      { pushes: before + accepted, limitMs: SLICE_MS_MAX },
    );
    return { items: accepted, ms: pushedAt - began };
  }

  const servers = { nats: world.natsServer.pid ?? 0, redis: world.redisServer.pid ?? 0 };
  const ours = { gateway: gateway.pid, preferences: preferences.pid, relay: relay.pid, dispatcher: dispatcher.pid, ...servers };
  const naive = { gateway: baseline.gatewayPid, worker: baseline.workerPid, ...servers };
  const side = (name: string, batch: number, isNaive: boolean): Side => ({
    name,
    processes: isNaive ? naive : ours,
    instruments: { load: load.pid, stub: stub.pid },
    run: (n) =>
      isNaive ? convey(baseline.address, "NAIVE", batch, n) : convey(gateway.addresses.grpc ?? "", streamName("apns"), batch, n),
  });
  return await measure(
    "End to end: from the call to the push, compared with the naive flow on SDK defaults",
    [
      side("naive unary", 0, true),
      side("Carillon unary", 0, false),
      side("naive batch", BATCH, true),
      side("Carillon batch", BATCH, false),
    ],
    [
      { what: "unary: rate, Carillon / naive", over: rate("Carillon unary"), under: rate("naive unary") },
      { what: "unary: CPU of everything, Carillon / naive", over: cpu("Carillon unary"), under: cpu("naive unary") },
      { what: "batch: rate, Carillon / naive", over: rate("Carillon batch"), under: rate("naive batch") },
      { what: "batch: CPU of everything, Carillon / naive", over: cpu("Carillon batch"), under: cpu("naive batch") },
    ],
    limits,
  );
}
