import { openStore } from "../../adapters/store/open-store.ts";
import { cpu, measure, rate } from "../compare/section.ts";
import { startProgram } from "../program.ts";
import { liftQueueLimit } from "../queued.ts";
import { startWorld, type World } from "../world.ts";
import type { Question } from "./figure.ts";
import { otherDatabase } from "./other-database.ts";
import { createPublishing, RELAY_ENV } from "./publishing.ts";
import { figuresOf } from "./sections.ts";

/** Rounds, and the time after which none starts that might end later, in ms. */
const ROUNDS = 8;
const RUN_MS = 120_000;

/** What does a publication cost the relay, from the due moment to the stream, compared with the client's own publish()? And with two relays? */
export const measureRelay: Question = async ({ store, storeUrl, say }) => {
  await using stack = new AsyncDisposableStack();
  async function startRelays(world: World, count: number) {
    Object.assign(world.env, RELAY_ENV);
    const relays: Record<string, number> = {};
    for (let i = 1; i <= count; i++) relays[`relay${i}`] = stack.use(await world.role("relay")).pid;
    await liftQueueLimit(world);
    return {
      processes: { ...relays, nats: world.natsServer.pid ?? 0 },
      ...createPublishing(world, stack.use(await openStore(world.storeUrl))),
    };
  }
  const world = stack.use(await startWorld(storeUrl));
  const one = await startRelays(world, 1);
  const two = await startRelays(stack.use(await startWorld(otherDatabase(storeUrl, "-two"))), 2);
  const publisher = stack.use(startProgram(["bench/programs/js-publish.ts", world.natsServer.url]));
  const section = await measure(
    "Publishing: relay compared with the NATS client's own publish(), 256 in flight",
    [
      {
        name: "js.publish",
        processes: { publisher: publisher.pid, nats: world.natsServer.pid ?? 0 },
        instruments: {},
        run: async (messages) => ({ items: messages, ms: (await publisher.ask<{ ms: number }>({ messages })).ms }),
      },
      { name: "relay", instruments: {}, ...one },
      { name: "two relays", instruments: {}, ...two },
    ],
    [
      { what: "relay / js.publish with 256 in flight: rate", over: rate("relay"), under: rate("js.publish") },
      {
        what: "CPU of a publication, relay / js.publish",
        over: cpu("relay", "relay1"),
        under: cpu("js.publish", "publisher"),
      },
      { what: "two relays / one: rate", over: rate("two relays"), under: rate("relay") },
    ],
    { rounds: ROUNDS, endsAt: performance.now() + RUN_MS, say },
  );
  return { figures: figuresOf(section, "T5", store) };
};
