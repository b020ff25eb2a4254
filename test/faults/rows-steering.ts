// Operators pause while servers are away: what they say stands in the store alone.
import { setTimeout as delay } from "node:timers/promises";
import { STEERING_BOUND_MS } from "../../core/steering/steering.ts";
import { pause, resume, showSteering } from "../../operations/steering/pauses.ts";
import { scaled } from "./pace.ts";
import { happened, type Row } from "./row.ts";

const TARGET = { kind: "channel", value: "sms" } as const;
const ORDER = { actor: "faults", reason: "a rehearsal" };
/** How long nothing may arrive, after the pause had to take effect. */
const HELD_MS = 8_000;
const isText = ({ provider }: { provider: string }) => provider === "twilio" || provider === "vonage";

export const STEERING_ROWS: readonly Row[] = [
  {
    name: "pause-without-redis",
    about: "Texts paused by an operator while Redis is killed, for 8 s beyond the 5 s that it may take; resumed without Redis",
    async inject(world) {
      const { store, redis, sandbox } = world;
      await redis.kill();
      const paused = await pause({ store, providers: [] }, { target: TARGET, mayReplace: false, ...ORDER });
      if (!paused.done) throw new Error("texts were paused already");
      await delay(STEERING_BOUND_MS + HELD_MS);
      const { targets } = await showSteering(store);
      const from = paused.record.at + scaled(STEERING_BOUND_MS);
      const late = sandbox.ledger.entries().filter((entry) => isText(entry) && entry.receivedAt > from);
      await resume(store, { target: TARGET, ...ORDER });
      await redis.restart();
      if (late.length > 0) throw new Error(`${late.length} texts arrived later than ${STEERING_BOUND_MS} ms after the pause`);
      const before = sandbox.ledger.entries().filter(isText).length;
      return `${happened(targets[0]?.waiting ?? 0, "texts waited for the resumption")}, ${before} had arrived before`;
    },
  },
];
