// Callers that cancel notifications, alone or all of a user.
import { notificationId } from "../../adapters/ids.ts";
import { StoreError } from "../../adapters/store/store-error.ts";
import { CancelContendedError, cancelNotifications } from "../../core/delivery/cancel.ts";
import { cancelReason, cancelSelection } from "../../core/delivery/cancel-page.ts";
import { FIRST_PLACE } from "../../core/ports/notification-store.ts";
import { APP, USERS } from "./callers.ts";
import type { CancelJudge } from "./cancel-judge.ts";
import { portsOf, type Surroundings } from "./ports.ts";
import type { SimulatedProcess } from "./process.ts";

/** From the send: before its task is in the queue, during the call, between two attempts, while in doubt. */
const AFTER_MS = [0, 20, 200, 3_000, 30_000, 400_000];
/** A caller repeats a call until it is answered, and some once more after that. */
const CALLS_MAX = 6;
const AGAIN_MS = [50, 2_000, 20_000];
const CANCELLED = cancelReason({ actor: "support", text: "withdrawn" });

/** In some worlds, by the seed alone, so that the others are as they were. */
export const cancelsIn = (seed: number): boolean => seed % 4 === 1;

/** @param gateway the process that a call reaches */
export function createCancels(around: Surroundings, judge: CancelJudge, gateway: () => SimulatedProcess) {
  const { simulation } = around;
  const { random, time } = simulation;

  async function call(by: { id: string } | { userId: string }): Promise<boolean> {
    const its = gateway();
    if (its.dead) return false;
    await its.awake();
    const parts = portsOf(around, its);
    const how = { reason: CANCELLED, now: its.clock.now() };
    try {
      if ("id" in by) {
        const record = await parts.store.notifications.find(by.id);
        if (!its.dead) judge.answered(record ? await cancelNotifications(parts, [record], how) : []);
      } else {
        const selection = { app: APP.id, selection: { userId: by.userId }, after: FIRST_PLACE };
        const page = await cancelSelection(parts, selection, how, () => true);
        if (!its.dead) judge.answered(page.deliveries);
      }
      return true;
    } catch (error) {
      if (error instanceof StoreError || error instanceof CancelContendedError) return false;
      throw error;
    }
  }

  async function untilAnswered(by: { id: string } | { userId: string }): Promise<void> {
    for (let calls = 1; calls <= CALLS_MAX && !(await call(by)); calls++) await time.sleep(random.pick(AGAIN_MS));
    if (random.chance(0.3)) time.after(random.pick(AFTER_MS), () => void call(by));
  }

  return {
    /** The notification under this key is sent at this moment; some are cancelled later. */
    maybe(key: string, at: number): void {
      if (!random.chance(0.5)) return;
      const by = random.chance(0.2) ? { userId: random.pick(USERS) } : { id: notificationId(APP.id, key) };
      time.after(at + random.pick(AFTER_MS) + random.below(50), () => void untilAnswered(by));
    },
  };
}
