import { createTaskPublisher } from "../../adapters/nats/publish.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import { toTask } from "../../core/delivery/task.ts";
import { createLogger } from "../../runtime/logger.ts";
import type { Limits, Work } from "../compare/rounds.ts";
import { cpu, measure, rate, type Section } from "../compare/section.ts";
import { startProgram } from "../program.ts";
import { streamIsEmpty } from "../queued.ts";
import { startRoles } from "../roles.ts";
import { storedNotification } from "../stored-notification.ts";
import { startWorld } from "../world.ts";
import { type PushStub, startPushStub } from "./push-stub.ts";
import { awaitPushed } from "./pushed.ts";

/** Documents per insert, and concurrent publishes. */
const GROUP = 500;
/** Limit of a slice, also on a busy machine. */
const SLICE_MS_MAX = 30_000;
const PUSH = { title: "Your order", body: "It is on its way and arrives today.", data: { order: "1017" } };

/** dispatcher-apns with what it uses, its pushes going to a stub. */
export interface Dispatching extends AsyncDisposable {
  readonly stub: PushStub;
  readonly dispatcherPid: number;
  /** Process ids of what it uses, by name. */
  readonly around: Readonly<Record<string, number>>;
  /** Publishes so many tasks; resolves once all are pushed and their outcomes are stored. */
  dispatch(tasks: number): Promise<Work>;
}

/** @param env further variables of the dispatcher */
export async function startDispatching(storeUrl?: string, env: Readonly<Record<string, string>> = {}): Promise<Dispatching> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld(storeUrl));
  const stub = stack.use(await startPushStub(world));
  const { preferences } = await startRoles(stack, world);
  Object.assign(world.env, env);
  const dispatcher = stack.use(await world.role("dispatcher-apns"));
  const store = stack.use(await openStore(world.storeUrl));
  const publisher = createTaskPublisher(world.nats, createLogger("bench", "silent"));
  const stream = streamName("apns");

  let made = 0;
  async function dispatch(tasks: number): Promise<Work> {
    const now = Date.now();
    const records = Array.from({ length: tasks }, () => {
      const token = String(++made).padStart(64, "a");
      return storedNotification({ channel: "apns", token }, { key: `task-${now}-${made}`, now, push: PUSH });
    });
    for (let i = 0; i < records.length; i += GROUP) await store.notifications.insert(records.slice(i, i + GROUP));
    const before = await stub.taken();
    const began = performance.now();
    const publishing = Promise.all(records.map((record) => publisher.publish(toTask(record, record.deliveries[0]!))));
    const pushedAt = await awaitPushed({ stub, isEmpty: streamIsEmpty(world, stream) }, { pushes: before + tasks, limitMs: SLICE_MS_MAX });
    if ((await publishing).includes(false)) throw new Error("a task could not be published");
    return { items: tasks, ms: pushedAt - began };
  }
  const around = { preferences: preferences.pid, nats: world.natsServer.pid ?? 0, redis: world.redisServer.pid ?? 0 };
  const kept = stack.move();
  return { stub, dispatcherPid: dispatcher.pid, around, dispatch, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What does sending one push cost in dispatcher-apns, compared with node:http2 alone? */
export async function measureDispatcher(limits: Limits, storeUrl?: string): Promise<Section> {
  await using stack = new AsyncDisposableStack();
  const { stub, dispatcherPid, around, dispatch } = stack.use(await startDispatching(storeUrl));
  const raw = stack.use(startProgram(["bench/programs/raw-push.ts", stub.origin, stub.caFile]));
  async function push(pushes: number): Promise<Work> {
    const { ms } = await raw.ask<{ ms: number }>({ pushes });
    return { items: pushes, ms };
  }

  const instruments = { stub: stub.pid };
  return await measure(
    "Sending: dispatcher-apns compared with node:http2, both to a stub that answers at once",
    [
      { name: "raw node:http2", processes: { client: raw.pid }, instruments, run: push },
      { name: "dispatcher-apns", processes: { dispatcher: dispatcherPid, ...around }, instruments, run: dispatch },
    ],
    [
      { what: "rate, dispatcher-apns / raw", over: rate("dispatcher-apns"), under: rate("raw node:http2") },
      { what: "CPU, dispatcher process / raw", over: cpu("dispatcher-apns", "dispatcher"), under: cpu("raw node:http2", "client") },
    ],
    limits,
  );
}
