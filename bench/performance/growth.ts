import { setTimeout as delay } from "node:timers/promises";
import { openStore } from "../../adapters/store/open-store.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import type { Side, Work } from "../compare/rounds.ts";
import { type Comparison, measure, rate } from "../compare/section.ts";
import { startProgram } from "../program.ts";
import { callGateway } from "../quick/call-gateway.ts";
import { startPushStub } from "../quick/push-stub.ts";
import { awaitPushed, streamIsEmpty } from "../quick/pushed.ts";
import { startWorld } from "../world.ts";
import type { Question, StoreName } from "./figure.ts";
import { fillHistory, type History } from "./history.ts";
import { otherDatabase } from "./other-database.ts";
import { createPublishing, liftQueueLimit, RELAY_ENV } from "./publishing.ts";
import { figuresOf } from "./sections.ts";

const HISTORY: Readonly<Record<StoreName, History>> = {
  sqlite: { ended: 10_000_000, open: 1_000_000 },
  mongodb: { ended: 10_000_000, open: 1_000_000 },
};
/** Rounds of each part, and the time after which none starts that might end later, in ms. */
const ROUNDS = 8;
const PART_MS = 150_000;
/** Limit of a slice, also on a busy machine. */
const SLICE_MS_MAX = 60_000;
const POLL_MS = 5;
const APNS = streamName("apns");

/** How much slower are accepting, publishing and the whole way in a store that holds many notifications than in an empty one? */
export const createGrowth =
  (history: History): Question =>
  async ({ store, storeUrl, say }) => {
    await using stack = new AsyncDisposableStack();
    const load = stack.use(startProgram(["bench/programs/load.ts"]));

    /** An installation without a dispatcher; its sides' names end with the name. */
    async function start(name: string, url: string, fill: boolean) {
      const world = stack.use(await startWorld(url));
      const filled = fill ? await fillHistory(world.storeUrl, history, say) : undefined;
      Object.assign(world.env, RELAY_ENV);
      const stub = stack.use(await startPushStub(world));
      const preferences = stack.use(await world.role("preferences"));
      world.env.PREFERENCES_ADDRESS = preferences.addresses.grpc ?? "";
      const gateway = stack.use(await world.role("gateway"));
      const relay = stack.use(await world.role("relay"));
      const accept = (notifications: number) =>
        callGateway(load, { address: gateway.addresses.grpc ?? "", key: world.apiKey, batch: 0, notifications });
      const accepting = { gateway: gateway.pid, preferences: preferences.pid };

      /** Also waits until everything is in the stream, and empties it. */
      async function acceptAlone(items: number): Promise<Work> {
        const work = await accept(items);
        const giveUpAt = performance.now() + SLICE_MS_MAX;
        for (;;) {
          const { messages } = (await world.manager.streams.info(APNS)).state;
          if (messages === work.items) break;
          if (performance.now() > giveUpAt) throw new Error(`${messages} of ${work.items} accepted notifications were published`);
          await delay(POLL_MS);
        }
        await world.manager.streams.purge(APNS);
        return work;
      }
      async function convey(items: number): Promise<Work> {
        const before = await stub.taken();
        const began = performance.now();
        const accepted = await accept(items);
        const pushes = before + accepted.items;
        return { items, ms: (await awaitPushed({ stub, isEmpty: streamIsEmpty(world, APNS) }, { pushes, limitMs: SLICE_MS_MAX })) - began };
      }
      await liftQueueLimit(world);
      await liftQueueLimit(world, "apns");
      const publishing = createPublishing(world, stack.use(await openStore(world.storeUrl)));
      const instruments = { load: load.pid, stub: stub.pid };
      const side = (what: string, processes: Side["processes"], run: Side["run"]): Side => ({
        name: `${what}, ${name}`,
        ...{ processes, instruments, run },
      });
      return {
        filled,
        apart: [
          side("accepting", accepting, acceptAlone),
          { ...side("publishing", { relay: relay.pid }, publishing.run), prepare: publishing.prepare },
        ],
        async together(): Promise<Side[]> {
          const dispatcher = stack.use(await world.role("dispatcher-apns"));
          return [side("whole way", { ...accepting, relay: relay.pid, dispatcher: dispatcher.pid }, convey)];
        },
      };
    }

    const full = await start("full", storeUrl, true);
    const empty = await start("empty", otherDatabase(storeUrl, "-empty"), false);
    const { bytes = 0, ms = 0 } = full.filled ?? {};
    const holds = `${history.ended} ended and ${history.open} open notifications`;
    say(`${holds}: ${(bytes / 2 ** 30).toFixed(1)} GiB, stored in ${Math.round(ms / 1_000)} s`);
    const compared = (what: string): Comparison => ({
      what: `${what}: rate with ${holds} / empty`,
      over: rate(`${what}, full`),
      under: rate(`${what}, empty`),
    });
    const limits = () => ({ rounds: ROUNDS, endsAt: performance.now() + PART_MS, say });
    const apart = await measure(
      "Accepting and publishing in a full and an empty store",
      [...empty.apart, ...full.apart],
      [compared("accepting"), compared("publishing")],
      limits(),
    );
    const together = await measure(
      "The whole way in a full and an empty store",
      [...(await empty.together()), ...(await full.together())],
      [compared("whole way")],
      limits(),
    );
    const size = { median: bytes / 2 ** 20, min: bytes / 2 ** 20, max: bytes / 2 ** 20, n: 1 };
    return {
      figures: [
        ...figuresOf(apart, "G1", store),
        ...figuresOf(together, "G1", store),
        { row: "G1", what: `size of the store with ${holds}`, store, unit: "MiB", value: size },
      ],
    };
  };

export const measureGrowth: Question = (options) => createGrowth(HISTORY[options.store])(options);
