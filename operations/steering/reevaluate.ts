import { APP_ID } from "../../core/apps/app.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import type { ReasonCode } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import { releaseWaiting } from "../../core/steering/release.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { APP_ID_RULE, findApp } from "../apps/apps.ts";
import { logged, type Order } from "./audit-log.ts";

/** Which deliveries; each condition that is given must hold, and one must be given. */
export interface WaitingFilter {
  reason?: ReasonCode | undefined;
  channel?: Channel | undefined;
  app?: string | undefined;
}

/**
 * Makes due now what waits in the store for a later moment. It is evaluated within seconds, and waits again where its reason still holds. What is scheduled
 * keeps its own time. Resolves with how many, by channel; rejects an app that is not there.
 */
export async function reevaluate(
  store: Pick<Store, "notifications" | "steering" | "time" | "apps">,
  { filter, clock, ...order }: Order & { filter: WaitingFilter; clock: Clock },
): Promise<Partial<Record<Channel, number>>> {
  const { reason, channel, app } = filter;
  if (app !== undefined) await requireApp(store, app);
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

async function requireApp({ apps }: Pick<Store, "apps">, id: string): Promise<void> {
  // What has another form may be anything, and is not repeated.
  if (!APP_ID.test(id)) throw new OperatorError(`app ${APP_ID_RULE}; what is given has ${id.length} characters`);
  await findApp(apps, id);
}
