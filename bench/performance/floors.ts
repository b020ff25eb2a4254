import { join } from "node:path";
import type { Limits, Side } from "../compare/rounds.ts";
import { measure } from "../compare/section.ts";
import { type Program, startProgram } from "../program.ts";
import type { BareNatsOrder } from "../programs/bare-nats.ts";
import type { BareStoreOrder, BareWrite } from "../programs/bare-store.ts";
import { BATCH, callGateway } from "../quick/call-gateway.ts";
import { startPushStub } from "../quick/push-stub.ts";
import { startWorld } from "../world.ts";
import { FLOORS } from "./budgets.ts";
import type { Question } from "./figure.ts";
import { figuresOf } from "./sections.ts";

/** As many as count as clean, and the time after which none starts that might end later, in ms. */
const ROUNDS = 4;
const RUN_MS = 90_000;

/** What do the bare parts of an accept and of a send cost, each alone, with nothing of Carillon around it? */
export const createFloors =
  (limits: Pick<Limits, "rounds"> & { runMs: number }): Question =>
  async ({ say }) => {
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await startWorld());
    const stub = stack.use(await startPushStub(world));
    const start = (name: string, ...args: string[]) => stack.use(startProgram([`bench/programs/${name}.ts`, ...args]));
    const [bare, load] = [start("null-gateway"), start("load")];
    const { address } = await bare.ask<{ address: string }>();
    const [nats, redis] = [start("bare-nats", world.natsServer.url), start("bare-redis", world.redisServer.url)];
    const [jsPublish, raw] = [start("js-publish", world.natsServer.url), start("raw-push", stub.origin, stub.caFile)];
    const store = start("bare-store", join(world.directory, "bare.sqlite"));
    const natsPid = world.natsServer.pid ?? 0;

    const side = (
      [name, process]: readonly [string, string],
      program: Program,
      others: Pick<Side, "run"> & Partial<Pick<Side, "prepare" | "processes" | "instruments">>,
    ): Side => ({ name, instruments: {}, ...others, processes: { [process]: program.pid, ...others.processes } });
    const timed = (ask: (items: number) => Promise<{ ms: number }>) => async (items: number) => ({ items, ms: (await ask(items)).ms });
    const call = (batch: number) => (notifications: number) => callGateway(load, { address, key: "", batch, notifications });
    const natsOrder = (kind: BareNatsOrder["kind"], messages = 0) => nats.ask<{ ms: number }>({ kind, messages } satisfies BareNatsOrder);
    const writing = (part: readonly [string, string], write: BareWrite): Side => {
      const ask = (items: number, isPreparation: boolean) =>
        store.ask<{ ms: number }>({ write, items, isPreparation } satisfies BareStoreOrder);
      return side(part, store, { prepare: async (items) => void (await ask(items, true)), run: timed((items) => ask(items, false)) });
    };
    const calling = { instruments: { load: load.pid } };
    const sides: Side[] = [
      side(FLOORS.unaryCall, bare, { ...calling, run: call(0) }),
      side(FLOORS.batchItem, bare, { ...calling, run: call(BATCH) }),
      side(FLOORS.jsPublish, jsPublish, { processes: { nats: natsPid }, run: timed((messages) => jsPublish.ask({ messages })) }),
      side(FLOORS.publish, nats, {
        processes: { nats: natsPid },
        prepare: async () => void (await natsOrder("purge")),
        run: timed((messages) => natsOrder("publish", messages)),
      }),
      side(FLOORS.consume, nats, {
        processes: { nats: natsPid },
        async prepare(messages) {
          await natsOrder("purge");
          await natsOrder("publish", messages);
        },
        run: timed((messages) => natsOrder("consume", messages)),
      }),
      side(FLOORS.redisClaim, redis, {
        processes: { redis: world.redisServer.pid ?? 0 },
        prepare: async () => void (await redis.ask({ claims: 0 })),
        run: timed((claims) => redis.ask({ claims })),
      }),
      writing(FLOORS.insert, "insert"),
      writing(FLOORS.published, "publish"),
      writing(FLOORS.claim, "claim"),
      writing(FLOORS.settle, "settle"),
      side(FLOORS.request, raw, { instruments: { stub: stub.pid }, run: timed((pushes) => raw.ask({ pushes })) }),
    ];
    const { rounds, runMs } = limits;
    const section = await measure("Bare parts, each alone", sides, [], { rounds, endsAt: performance.now() + runMs, say });
    return { figures: figuresOf(section, "floors") };
  };

export const measureFloors = createFloors({ rounds: ROUNDS, runMs: RUN_MS });
