import { join } from "node:path";
import { streamName } from "../../core/delivery/subjects.ts";
import { startProgram } from "../program.ts";
import type { WriteCounts } from "../programs/count-writes.ts";
import type { LoadResult } from "../programs/load.ts";
import { streamIsEmpty } from "../queued.ts";
import { startPushStub } from "../quick/push-stub.ts";
import { awaitPushed } from "../quick/pushed.ts";
import { startRoles } from "../roles.ts";
import { type Summary, summaryOf } from "../summary.ts";
import { type Role, startWorld } from "../world.ts";
import type { Figure, Question } from "./figure.ts";

const PRELOAD = join(import.meta.dirname, "../programs/count-writes.ts");
const NOTIFICATIONS = 1_000;
const ROUNDS = 3;
/** Few, so that none waits for room in its queue, and the gateway publishes all of them. */
const IN_FLIGHT = 16;
const PUSHED_MS_MAX = 60_000;

/** How often is a notification that is sent at once written to the store, from the call to its outcome? Counted in the roles' calls to their stores. */
export const measureWrites: Question = async ({ store, storeUrl }) => {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld(storeUrl));
  const stub = stack.use(await startPushStub(world));
  await startRoles(stack, world);
  world.env.NODE_OPTIONS = `--import=${PRELOAD}`;
  const roles = new Map<string, Role>();
  for (const name of ["gateway", "relay", "dispatcher-apns"]) roles.set(name, stack.use(await world.role(name)));
  const load = stack.use(startProgram(["bench/programs/load.ts"]));
  const address = roles.get("gateway")?.addresses.grpc ?? "";

  /** By role and kind. */
  async function read(): Promise<WriteCounts> {
    const all: WriteCounts = {};
    for (const [name, role] of roles) for (const [kind, n] of Object.entries(await role.ask<WriteCounts>())) all[`${name}, ${kind}`] = n;
    return all;
  }
  async function round(): Promise<WriteCounts> {
    const [before, pushed] = [await read(), await stub.taken()];
    const order = { address, key: world.apiKey, batch: 0, inFlight: IN_FLIGHT, notifications: NOTIFICATIONS };
    const { failed } = await load.ask<LoadResult>(order);
    if (failed > 0) throw new Error(`${failed} of ${NOTIFICATIONS} notifications were not accepted`);
    await awaitPushed(
      { stub, isEmpty: streamIsEmpty(world, streamName("apns")) },
      { pushes: pushed + NOTIFICATIONS, limitMs: PUSHED_MS_MAX },
    );
    const after = await read();
    return Object.fromEntries(Object.entries(after).map(([kind, n]) => [kind, (n - (before[kind] ?? 0)) / NOTIFICATIONS]));
  }

  await round();
  const rounds: WriteCounts[] = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round());
  const figure = (what: string, unit: string, value: Summary): Figure => ({ row: "W1", what, store, unit, value });
  const kinds = Object.keys(rounds[0] ?? {}).filter((kind) => rounds.some((r) => r[kind] !== 0));
  return {
    figures: [
      figure(
        "durable writes per delivered notification",
        "writes",
        summaryOf(rounds.map((r) => Object.values(r).reduce((a, b) => a + b, 0))),
      ),
      ...kinds.map((kind) => figure(`of these ${kind}`, "", summaryOf(rounds.map((r) => r[kind] ?? 0)))),
    ],
  };
};
