import { streamName } from "../../core/delivery/subjects.ts";
import { countOf, isAccepted, latenciesMs, runPaced } from "../load/paced-run.ts";
import { percentileOfSorted } from "../percentile.ts";
import { startProgram } from "../program.ts";
import { liftQueueLimit, PUBLISHED_SHARE_MIN, takeQueued } from "../queued.ts";
import { callGateway } from "../quick/call-gateway.ts";
import { startRoles } from "../roles.ts";
import { summaryOf } from "../summary.ts";
import { startWorld } from "../world.ts";
import type { Figure, Question } from "./figure.ts";
import { isExhausted } from "./overload-figures.ts";

const PAIRS = 6;
const SLICE_SECONDS = 5;
/** As the load generator has in a closed loop. */
const CONNECTIONS = 8;
/** Far above any latency at half load: nothing is given up. */
const DEADLINE_MS = 20_000;
const WARM_UP_NOTIFICATIONS = 5_000;
const MAX_NOTIFICATIONS = 15_000;
const OF_MAX = 0.5;
/** What a gateway publishes beside its answers is in the stream within a second; the rest is for a busy machine. */
const PUBLISHED_MS_MAX = 30_000;

interface Slice {
  /** From due to answered, in ms, ascending. */
  acceptedMs: Float64Array;
  /** Share of the calls, in percent. At half load there should be none. */
  rejected: number;
}

/** How long does the gateway take to accept at half of its highest rate, compared with a grpc-js server that only decodes and answers? */
export const createAcceptLatency =
  (pairs: number): Question =>
  async ({ store, storeUrl, say }) => {
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await startWorld(storeUrl));
    const { gateway } = await startRoles(stack, world, "gateway");
    await liftQueueLimit(world, "apns");
    const bare = stack.use(startProgram(["bench/programs/null-gateway.ts"]));
    const load = stack.use(startProgram(["bench/programs/load.ts"]));
    const addresses = { gateway: gateway.addresses.grpc ?? "", bare: (await bare.ask<{ address: string }>()).address };
    // No dispatcher runs.
    const published = (tasks: number) =>
      takeQueued(world, streamName("apns"), { tasks, limitMs: PUBLISHED_MS_MAX, leastShare: PUBLISHED_SHARE_MIN });
    async function highestRate(notifications: number): Promise<number> {
      const { items, ms } = await callGateway(load, { address: addresses.gateway, key: world.apiKey, batch: 0, notifications });
      await published(items);
      return items / (ms / 1_000);
    }
    async function slice(address: string, perSecond: number): Promise<Slice> {
      const order = { perSecond, calls: perSecond * SLICE_SECONDS, connections: CONNECTIONS, deadlineMs: DEADLINE_MS };
      const run = await runPaced(load, { address, key: world.apiKey, ...order, first: Date.now() * 1_000 });
      const acceptedMs = latenciesMs(run, isAccepted);
      const rejected = countOf(run, (outcome) => isExhausted(run, outcome));
      if (acceptedMs.length + rejected < order.calls)
        throw new Error(`of ${order.calls} notifications ${acceptedMs.length} were accepted and ${rejected} rejected`);
      if (address === addresses.gateway) await published(acceptedMs.length);
      return { acceptedMs, rejected: (rejected / order.calls) * 100 };
    }

    await highestRate(WARM_UP_NOTIFICATIONS);
    const highest = await highestRate(MAX_NOTIFICATIONS);
    const perSecond = Math.round(highest * OF_MAX);
    say(`the gateway accepts ${highest.toFixed(0)} a second at most; ${perSecond} a second are paced`);
    for (const address of [addresses.bare, addresses.gateway]) await slice(address, perSecond);
    const taken: { gateway: Slice; bare: Slice }[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      const first = pair % 2 === 0 ? await slice(addresses.bare, perSecond) : undefined;
      const ours = await slice(addresses.gateway, perSecond);
      taken.push({ gateway: ours, bare: first ?? (await slice(addresses.bare, perSecond)) });
      const [p99, bareP99] = [taken.at(-1)!.gateway, taken.at(-1)!.bare].map(({ acceptedMs }) =>
        percentileOfSorted(acceptedMs, 0.99).toFixed(1),
      );
      say(`  pair ${pair + 1}: p99 ${p99} ms, ${ours.rejected.toFixed(2)} % rejected; null gateway ${bareP99} ms`);
    }
    const of = (server: "gateway" | "bare", share: number) => taken.map((pair) => percentileOfSorted(pair[server].acceptedMs, share));
    const ratio = (share: number) => of("gateway", share).map((ms, i) => ms / of("bare", share)[i]!);
    const figure = (what: string, unit: string, values: readonly number[]): Figure => ({
      ...{ row: "T4", what, store, unit, value: summaryOf(values) },
    });
    return {
      figures: [
        figure("rate at which it was measured", "/s", [perSecond]),
        figure(
          "calls rejected at that rate",
          "%",
          taken.map(({ gateway }) => gateway.rejected),
        ),
        ...[0.5, 0.99].flatMap((share) => [
          figure(`p${share * 100} of accepting, gateway / null`, "", ratio(share)),
          figure(`p${share * 100} of accepting, gateway`, "ms", of("gateway", share)),
          figure(`p${share * 100} of accepting, null`, "ms", of("bare", share)),
        ]),
      ],
    };
  };

export const measureAcceptLatency = createAcceptLatency(PAIRS);
