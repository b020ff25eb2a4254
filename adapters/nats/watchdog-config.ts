import { WATCHDOG_FIRST_MS } from "../../core/delivery/watchdog.ts";
import { ms } from "../../runtime/config.ts";

/** Read by every role that publishes tasks: it sets when the relay evaluates the delivery again. */
export const watchdogVariables = {
  WATCHDOG_FIRST_MS: ms(1_000, 600_000, {
    default: String(WATCHDOG_FIRST_MS),
    reason: "a task without effect is published again after this, then doubling up to 10 min; above the usual time in the queue",
  }),
};
