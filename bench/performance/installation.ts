import { streamName } from "../../core/delivery/subjects.ts";
import { type Program, startProgram } from "../program.ts";
import type { LoadOrder, LoadResult } from "../programs/load.ts";
import { streamIsEmpty } from "../queued.ts";
import { BATCH, callGateway } from "../quick/call-gateway.ts";
import { type PushStub, startPushStub } from "../quick/push-stub.ts";
import { awaitPushed } from "../quick/pushed.ts";
import { limitHeaps, startRoles } from "../roles.ts";
import { type Role, startWorld, type World } from "../world.ts";

/** Everything from the call to the push, each role as a process, with a load generator and a stub of APNs. */
export interface Installation extends AsyncDisposable {
  readonly world: World;
  readonly stub: PushStub;
  readonly gateway: Role;
  readonly load: Program;
  /** What the load generator calls. */
  readonly target: { address: string; key: string };
  /** As many calls as the gateway answers, in a closed loop; resolves when all are pushed. Notifications pushed per second. */
  convey(notifications: number): Promise<number>;
  /** Sends notifications in batches; resolves once they are accepted. */
  sendBatches(order: Pick<LoadOrder, "notifications" | "notificationClass" | "sendAt">): Promise<void>;
  /** Waits until the stub has answered so many pushes in all, and nothing is left in the stream. */
  pushed(pushes: number, limitMs: number): Promise<void>;
}

/** Enough that every process has compiled its hot code. */
const WARM_UP_NOTIFICATIONS = 4_000;
/** Far above the length of a closed loop, also on a busy machine; beyond it a notification was lost. */
const CONVEY_MS_MAX = 60_000;
const PEAK_MS = 10_000;
const BATCHES_IN_FLIGHT = 8;
/** Where nobody waits for a time: reading the state of a stream often would cost NATS. */
const PUSHED_POLL_MS = 250;

/** @param storeUrl as startWorld() takes it */
export async function startInstallation(storeUrl: string): Promise<Installation> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld(storeUrl));
  const stub = stack.use(await startPushStub(world));
  limitHeaps(world);
  const { gateway } = await startRoles(stack, world, "gateway", "relay", "dispatcher-apns");
  const load = stack.use(startProgram(["bench/programs/load.ts"]));
  const target = { address: gateway.addresses.grpc ?? "", key: world.apiKey };
  const parts = { stub, isEmpty: streamIsEmpty(world, streamName("apns")) };
  const kept = stack.move();
  return {
    ...{ world, stub, gateway, load, target },
    async convey(notifications) {
      const before = await stub.taken();
      const began = performance.now();
      const { items } = await callGateway(load, { ...target, batch: 0, notifications });
      const pushedAt = await awaitPushed(parts, { pushes: before + items, limitMs: CONVEY_MS_MAX });
      return items / ((pushedAt - began) / 1_000);
    },
    async sendBatches(order) {
      const { failed } = await load.ask<LoadResult>({ ...target, ...order, batch: BATCH, inFlight: BATCHES_IN_FLIGHT });
      if (failed > 0) throw new Error(`${failed} of ${order.notifications} notifications were not accepted`);
    },
    pushed: async (pushes, limitMs) => void (await awaitPushed(parts, { pushes, limitMs, pollMs: PUSHED_POLL_MS })),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Notifications per second that go all the way in a closed loop, after a warm-up. */
export async function measurePeak(installation: Installation): Promise<number> {
  await installation.convey(WARM_UP_NOTIFICATIONS);
  return await measurePeakAgain(installation, await installation.convey(WARM_UP_NOTIFICATIONS));
}

/** The same without a warm-up, once all code is compiled. `about` is what to expect; the measurement then takes PEAK_MS. */
export const measurePeakAgain = ({ convey }: Installation, about: number): Promise<number> => convey(Math.round((about * PEAK_MS) / 1_000));
