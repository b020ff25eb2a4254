import type { Channel } from "../../core/delivery/channel.ts";
import { hideEndpoints } from "../../core/delivery/hide-endpoints.ts";
import { reasonText } from "../../core/delivery/reason.ts";
import type { SteeringRecord } from "../../core/steering/steering.ts";
import { shareAccount, type Target } from "../../core/steering/target.ts";
import type { Circuits, OpenCircuit } from "../status/circuits.ts";
import { moment, orderWords } from "./orders.ts";

/** Why deliveries of a drained account would wait. */
export interface Obstacles {
  /** Circuits of the accounts that would send them. */
  circuits: OpenCircuit[];
  /** Other orders that keep them back. */
  orders: SteeringRecord[];
  /** Why it is not known which circuits are open; absent: it is. */
  circuitsUnread?: string;
}

interface Drained {
  /** What is drained. */
  target: Target;
  channel: Channel;
  /** provider/account: those that would send. */
  accounts: ReadonlySet<string>;
}

/** A circuit that is not closed, and orders for the accounts that would send, for the channel, or for what is drained itself: a pause counts more than a drain. */
export function obstaclesTo(
  { target, channel, accounts }: Drained,
  { orders, circuits }: { orders: readonly SteeringRecord[]; circuits: Circuits | { why: string } },
): Obstacles {
  const own = [...accounts].map((value): Target => ({ kind: "account", value }));
  const holds = ({ target: of, state }: SteeringRecord) =>
    (of.kind === "channel" && of.value === channel) ||
    own.some((account) => shareAccount(of, account)) ||
    (state === "paused" && shareAccount(of, target));
  const held = orders.filter(holds);
  if ("why" in circuits) return { circuits: [], orders: held, circuitsUnread: circuits.why };
  return { circuits: circuits.notClosed.filter(({ account, part }) => part === "account" && accounts.has(account)), orders: held };
}

/** A sentence each, without what may be somebody's address. */
export const obstacleWords = ({ circuits, orders }: Obstacles): string[] => [
  ...circuits.map(circuitWords),
  ...orders.map((order) => orderWords(order, "is")),
];

function circuitWords({ account, state, since, until, reason }: OpenCircuit): string {
  const next = state === "open" ? `the next probe is at ${moment(until)}` : "the next delivery is its probe";
  return `the circuit of ${account} opened at ${moment(since)} (${hideEndpoints(reasonText(reason))}), and ${next}`;
}
