import { natsVariables } from "../adapters/nats/connect.ts";
import { streamVariables } from "../adapters/nats/streams.ts";
import { optOutVariables } from "../adapters/opt-outs/open-opt-outs.ts";
import { storeVariables } from "../adapters/store/store-config.ts";
import type { unsubscribeVariables } from "../adapters/unsubscribe-links.ts";
import { accountsVariables } from "../providers/account-files.ts";
import { providerVariables } from "../providers/provider-config.ts";
import { integer, type Values, type Variable } from "../runtime/config.ts";

/** Calls a second: one in 100 s is the slowest that still makes sense, and no provider takes more than the fastest of one account. */
const RATE = { min: 0.01, max: 100_000 } as const;

const optionalRate = (about: { reason: string }): Variable<number | undefined> => ({
  type: `number ${RATE.min} to ${RATE.max}, or empty`,
  default: "",
  unit: "calls per second",
  ...about,
  parse: (t) => {
    if (t === "") return undefined;
    const n = /^\d{1,6}(\.\d+)?$/.test(t) ? Number(t) : Number.NaN;
    if (n >= RATE.min && n <= RATE.max) return n;
    throw new Error(`must be a number from ${RATE.min} to ${RATE.max}, or empty`);
  },
});

/** Of the dispatcher that sends mails; the others read nothing here. */
export type DispatcherConfig = Values<typeof dispatcherVariables & typeof unsubscribeVariables>;

/** What every dispatcher reads beside its providers' own variables. */
export const dispatcherVariables = {
  ...storeVariables,
  ...natsVariables,
  ...streamVariables,
  ...providerVariables,
  ...accountsVariables,
  ...optOutVariables,
  DISPATCH_IN_FLIGHT: integer(1, 10_000, {
    default: "128",
    unit: "tasks",
    reason:
      "handled at once per class in one pod, marketing half as many; at 100 ms a call about 1,280/s. Keep NATS_ACK_PENDING_MAX at twice pods x this",
  }),
  DISPATCH_RATE_MAX: optionalRate({
    reason:
      "of each account of the channel, all its pods together, critical first; what your provider's contract allows. Empty: no limit of ours",
  }),
};
