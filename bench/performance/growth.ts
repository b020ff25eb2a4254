import { openStore } from "../../adapters/store/open-store.ts";
import { streamName } from "../../core/delivery/subjects.ts";
import type { Side, Work } from "../compare/rounds.ts";
import { type Comparison, measure, rate } from "../compare/section.ts";
import { startProgram } from "../program.ts";
import { liftQueueLimit, streamIsEmpty, takeQueued } from "../queued.ts";
import { callGateway } from "../quick/call-gateway.ts";
import { startPushStub } from "../quick/push-stub.ts";
import { awaitPushed } from "../quick/pushed.ts";
import { startRoles } from "../roles.ts";
import { summaryOf } from "../summary.ts";
import { startWorld } from "../world.ts";
import type { Question, StoreName } from "./figure.ts";
import { fillHistory, type History } from "./history.ts";
import { otherDatabase } from "./other-database.ts";
import { createPublishing, RELAY_ENV } from "./publishing.ts";
import { figuresOf } from "./sections.ts";

const HISTORY: Readonly<Record<StoreName, History>> = {
  sqlite: { ended: 10_000_000, open: 1_000_000 },
  // The stand-in takes some ten thousand notifications a second while it is small: this many within minutes.
  mongodb: { ended: 1_000_000, open: 100_000 },
};
/** Rounds of each part, and the time after which none starts that might end later, in ms. */
const ROUNDS = 8;
const PART_MS = 150_000;
/** Limit of a slice, also on a busy machine. */
const SLICE_MS_MAX = 60_000;
const APNS = streamName("apns");

/** How much slower are accepting, publishing and the whole way in a store that holds many notifications than in an empty one? */
export const createGrowth =
  (history: History, partMs = PART_MS): Question =>
  async ({ store, storeUrl, say }) => {
    await using stack = new AsyncDisposableStack();
    const load = stack.use(startProgram(["bench/programs/load.ts"]));

    /** An installation without a dispatcher; its sides' names end with the name. */
    async function start(name: string, url: string, fill: boolean) {
      const world = stack.use(await startWorld(url));
      const filled = fill ? await fillHistory(world.storeUrl, history, say) : undefined;
      Object.assign(world.env, RELAY_ENV);
      const stub = stack.use(await startPushStub(world));
      const { preferences, gateway, relay } = await startRoles(stack, world, "gateway", "relay");
      const accept = (notifications: number) =>
        callGateway(load, { address: gateway.addresses.grpc ?? "", key: world.apiKey, batch: 0, notifications });
      const accepting = { gateway: gateway.pid, preferences: preferences.pid };

      /** Also waits until everything is in the stream, and empties it. */
      async function acceptAlone(items: number): Promise<Work> {
        const work = await accept(items);
        await takeQueued(world, APNS, { tasks: work.items, limitMs: SLICE_MS_MAX });
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
    const limits = () => ({ rounds: ROUNDS, endsAt: performance.now() + partMs, say });
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
    return {
      figures: [
        ...figuresOf(apart, "G1", store),
        ...figuresOf(together, "G1", store),
        { row: "G1", what: `size of the store with ${holds}`, store, unit: "MiB", value: summaryOf([bytes / 2 ** 20]) },
      ],
    };
  };

export const measureGrowth: Question = (options) => createGrowth(HISTORY[options.store])(options);
