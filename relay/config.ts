import { natsVariables } from "../adapters/nats/connect.ts";
import { streamVariables } from "../adapters/nats/streams.ts";
import { watchdogVariables } from "../adapters/nats/watchdog-config.ts";
import { storeVariables } from "../adapters/store/store-config.ts";
import { UNCERTAIN_WAIT_MS } from "../core/delivery/decide.ts";
import { ms } from "../runtime/config.ts";

export const relayVariables = {
  ...storeVariables,
  ...natsVariables,
  ...streamVariables,
  ...watchdogVariables,
  UNCERTAIN_WAIT_CRITICAL_MS: ms(1_000, 86_400_000, {
    default: String(UNCERTAIN_WAIT_MS.critical),
    reason: "how long an attempt in doubt waits for a receipt or a status query; then a critical one is sent once more",
  }),
  UNCERTAIN_WAIT_MS: ms(1_000, 604_800_000, {
    default: String(UNCERTAIN_WAIT_MS.transactional),
    reason: "the same for transactional and marketing, which then end as failed: outcome-unknown. Above the time that receipts take",
  }),
  RELAY_POLL_MS: ms(10, 60_000, {
    default: "250",
    reason: "pause when nothing is due: a longer one delays scheduled sends and retries, a shorter one reads the store more often",
  }),
};
