import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { startLocalRedis } from "../../cli/dev/local-servers.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import { startProgram } from "../program.ts";
import { streamIsEmpty } from "../queued.ts";
import { startNaive } from "../quick/naive.ts";
import { type PushStub, startPushStub } from "../quick/push-stub.ts";
import { startRestartable } from "../restartable.ts";
import { startRoles } from "../roles.ts";
import { startWorld, type World } from "../world.ts";

/** A way to send pushes that is called like Carillon's gateway, with servers and a stub of its own. */
export interface PeerSystem extends AsyncDisposable {
  /** What a load generator calls: host:port, and the key. */
  readonly target: { address: string; key: string };
  readonly stub: PushStub;
  /** All its processes, its servers included. */
  pids(): number[];
  /** SIGKILL to the process that sends; resolves once another one has started. */
  killSender(): Promise<void>;
  /** Whether everything that it counts as sent has left its queue; true where it cannot tell. */
  isEmpty(): Promise<boolean>;
}

export interface PeerKind {
  name: string;
  /** Needs what scripts/bench-peers installs, whose folder it gets. */
  installed?: true;
  start(storeUrl: string, packages: string): Promise<PeerSystem>;
}

/** The folder of the packages, which it installs first where they are missing. Throws where it cannot. */
export const installPeers = (): string =>
  execFileSync(join(import.meta.dirname, "../../scripts/bench-peers"), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();

export const PEERS: readonly PeerKind[] = [
  { name: "Carillon", start: startCarillon },
  { name: "naive build", start: startNaiveSystem },
  { name: "node-pushnotifications", installed: true, start: startLibrary },
  { name: "BullMQ chain (a model), Redis in memory", installed: true, start: startQueues },
  { name: "BullMQ chain (a model), Redis on disk", installed: true, start: (_, packages) => startQueues(_, packages, "always") },
];

/** Disposes of what was started, also where a start fails. */
async function assembled(
  storeUrl: string,
  rest: (world: World, stub: PushStub, stack: AsyncDisposableStack) => Promise<Omit<PeerSystem, "stub" | keyof AsyncDisposable>>,
): Promise<PeerSystem> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld(storeUrl));
  const stub = stack.use(await startPushStub(world));
  const system = await rest(world, stub, stack);
  const kept = stack.move();
  return { ...system, stub, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const natsOf = ({ natsServer }: World) => natsServer.pid ?? 0;
const redisOf = ({ redisServer }: World) => redisServer.pid ?? 0;

function startCarillon(storeUrl: string): Promise<PeerSystem> {
  return assembled(storeUrl, async (world, _stub, stack) => {
    const { preferences, gateway, relay } = await startRoles(stack, world, "gateway", "relay");
    const dispatcher = stack.use(await startRestartable(() => world.role("dispatcher-apns")));
    return {
      target: { address: gateway.addresses.grpc ?? "", key: world.apiKey },
      pids: () => [preferences.pid, gateway.pid, relay.pid, dispatcher.pid, natsOf(world), redisOf(world)],
      killSender: () => dispatcher.killAndRestart(),
      isEmpty: streamIsEmpty(world, streamName("apns")),
    };
  });
}

function startNaiveSystem(): Promise<PeerSystem> {
  return assembled("sqlite", async (world, stub, stack) => {
    const naive = stack.use(await startNaive(world, stub));
    return {
      target: { address: naive.address, key: "" },
      pids: () => [naive.gatewayPid, naive.workerPid, natsOf(world), redisOf(world)],
      killSender: () => naive.killWorker(),
      isEmpty: streamIsEmpty(world, "NAIVE"),
    };
  });
}

/** It has one process, which is called, sends, and is killed. */
function startLibrary(_: string, packages: string): Promise<PeerSystem> {
  return assembled("sqlite", async (_world, stub, stack) => {
    let address = "127.0.0.1:0";
    const start = async () => {
      const port = address.split(":")[1] ?? "";
      const server = startProgram(["bench/programs/peers/library-server.ts", packages, stub.origin, stub.keyFile, stub.caFile, port]);
      ({ address } = await server.ask<{ address: string }>());
      return server;
    };
    const server = stack.use(await startRestartable(start));
    return {
      target: { address, key: "" },
      pids: () => [server.pid],
      killSender: () => server.killAndRestart(),
      isEmpty: async () => true,
    };
  });
}

/** @param appendOnly "always": a call is answered once its job is on disk, as with the others that store something */
function startQueues(_: string, packages: string, appendOnly: "off" | "always" = "off"): Promise<PeerSystem> {
  return assembled("sqlite", async (world, stub, stack) => {
    const redis = stack.use(await startLocalRedis({ directory: join(world.directory, "queues"), appendOnly }));
    const api = stack.use(startProgram(["bench/programs/peers/queue-api.ts", packages, redis.url]));
    const { address } = await api.ask<{ address: string }>();
    const startWorker = async () => {
      const worker = startProgram(["bench/programs/peers/queue-worker.ts", packages, redis.url, stub.origin, stub.keyFile, stub.caFile]);
      await worker.ask();
      return worker;
    };
    const worker = stack.use(await startRestartable(startWorker));
    return {
      target: { address, key: "" },
      pids: () => [api.pid, worker.pid, redis.pid ?? 0],
      killSender: () => worker.killAndRestart(),
      isEmpty: async () => true,
    };
  });
}
