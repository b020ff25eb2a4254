import { join } from "node:path";
import { startProgram } from "../program.ts";
import { startRestartable } from "../restartable.ts";
import type { World } from "../world.ts";
import type { PushStub } from "./push-stub.ts";

/** The naive baseline, in two processes on the world's servers; its stream is called NAIVE. */
export interface Naive extends AsyncDisposable {
  readonly address: string;
  readonly gatewayPid: number;
  readonly workerPid: number;
  /** SIGKILL, and another one. */
  killWorker(): Promise<void>;
}

export async function startNaive(world: World, stub: PushStub): Promise<Naive> {
  await using stack = new AsyncDisposableStack();
  const shared = [world.natsServer.url, world.redisServer.url, join(world.directory, "naive.sqlite")];
  const gateway = stack.use(startProgram(["bench/programs/naive/gateway.ts", ...shared]));
  const { address } = await gateway.ask<{ address: string }>();
  const startWorker = async () => {
    const worker = startProgram(["bench/programs/naive/worker.ts", ...shared, stub.keyFile, stub.origin, stub.caFile]);
    await worker.ask();
    return worker;
  };
  const worker = stack.use(await startRestartable(startWorker));
  const kept = stack.move();
  return {
    ...{ address, gatewayPid: gateway.pid },
    get workerPid() {
      return worker.pid;
    },
    killWorker: () => worker.killAndRestart(),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
