import { natsVariables } from "../adapters/nats/connect.ts";
import { streamVariables } from "../adapters/nats/streams.ts";
import { watchdogVariables } from "../adapters/nats/watchdog-config.ts";
import { retentionVariables } from "../adapters/store/retention-config.ts";
import { storeVariables } from "../adapters/store/store-config.ts";
import { webhookKeyVariables } from "../adapters/webhook-secrets.ts";
import { CHANNELS, type Channel, CLASSES, isPush, type NotificationClass } from "../core/delivery/channel.ts";
import { UNCERTAIN_WAIT_MS } from "../core/delivery/decide.ts";
import { IN_DOUBT_REPEATS, type InDoubtRepeats } from "../core/delivery/in-doubt.ts";
import { integer, list, listOf, ms } from "../runtime/config.ts";
import { isAddressRange } from "../runtime/outbound.ts";

/** As the variable names it: channel and class. */
type Repeatable = `${Channel}:${NotificationClass}`;

/** Texts and mails that are not critical are never repeated: nothing replaces the first copy. */
const REPEATABLE = CHANNELS.flatMap((channel) =>
  CLASSES.filter((c) => c === "critical" || isPush(channel)).map((c): Repeatable => `${channel}:${c}`),
);
const DEFAULT_REPEATS = REPEATABLE.filter((item) => repeatedBy(item, IN_DOUBT_REPEATS));

function repeatedBy(item: Repeatable, repeats: InDoubtRepeats): boolean {
  return CHANNELS.some((channel) => repeats[channel].some((c) => item === `${channel}:${c}`));
}

/** The variable's value by channel. */
export function inDoubtRepeats(items: readonly Repeatable[]): InDoubtRepeats {
  const classesOf = (channel: Channel) => CLASSES.filter((c) => items.includes(`${channel}:${c}`));
  return Object.fromEntries(CHANNELS.map((channel) => [channel, classesOf(channel)])) as Record<Channel, NotificationClass[]>;
}

export const relayVariables = {
  ...storeVariables,
  ...natsVariables,
  ...streamVariables,
  ...watchdogVariables,
  ...retentionVariables,
  UNCERTAIN_WAIT_CRITICAL_MS: ms(1_000, 86_400_000, {
    default: String(UNCERTAIN_WAIT_MS.critical),
    reason:
      "how long a critical attempt in doubt waits, at least, for a receipt or a status query; then it is sent once more. A push, which has neither, waits 2 s",
  }),
  UNCERTAIN_WAIT_MS: ms(1_000, 604_800_000, {
    default: String(UNCERTAIN_WAIT_MS.transactional),
    reason: "the same for what is not repeated, which then ends as failed: outcome-unknown. Above the time that receipts take",
  }),
  IN_DOUBT_REPEATS: list(REPEATABLE, {
    default: DEFAULT_REPEATS.join(","),
    reason:
      "what is sent once more where nothing tells what became of it; a push that is not critical only if the copy replaces the first one on the device",
  }),
  RELAY_POLL_MS: ms(10, 60_000, {
    default: "250",
    reason: "pause when nothing is due: a longer one delays scheduled sends and retries, a shorter one reads the store more often",
  }),
  ...webhookKeyVariables,
  WEBHOOK_ALLOWED_ADDRESSES: listOf(isAddressRange, "addresses, or ranges as address/prefix", {
    default: "",
    reason:
      "internal addresses at which webhook endpoints of apps may be, for services of your own and for tests; empty: only public ones are called",
  }),
  RETENTION_BUDGET_MS: integer(1, 500, {
    default: "30",
    unit: "ms",
    reason:
      "work of the store in each second to remove what is older than its retention: 3 %. More removes faster and leaves less for sends",
  }),
};
