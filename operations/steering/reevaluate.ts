import type { Channel } from "../../core/delivery/channel.ts";
import type { ReasonCode } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import { releaseWaiting } from "../../core/steering/release.ts";
import { logged, type Order } from "./audit-log.ts";

/** Which deliveries; each condition that is given must hold, and one must be given. */
export interface WaitingFilter {
  reason?: ReasonCode | undefined;
  channel?: Channel | undefined;
  app?: string | undefined;
}

/**
 * Makes due now what waits in the store for a later moment. It is evaluated within seconds, and waits again where its reason still holds. What is scheduled
 * keeps its own time. Resolves with how many, by channel.
 */
export function reevaluate(
  store: Pick<Store, "notifications" | "steering" | "time">,
  { filter, clock, ...order }: Order & { filter: WaitingFilter; clock: Clock },
): Promise<Partial<Record<Channel, number>>> {
  const { reason, channel, app } = filter;
  const named = Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  return logged(store, { ...order, action: "reevaluate", target: named.join(", ") }, async () => {
    // The metrics of a command are never scraped.
    const counts = await releaseWaiting({ store, clock, recorder: { record() {} } }, (n, d) => {
      if (n.sendAt > clock.now()) return false;
      return (
        (reason === undefined || d.reason?.code === reason) &&
        (channel === undefined || d.channel === channel) &&
        (app === undefined || n.app === app)
      );
    });
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return { result: counts, words: `${total} made due` };
  });
}
