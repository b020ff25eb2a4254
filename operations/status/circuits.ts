import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { Reason } from "../../core/delivery/reason.ts";
import type { SharedCircuits } from "../../core/ports/shared-circuits.ts";

export interface CircuitName {
  channel: Channel;
  /** provider/account */
  account: string;
  /** What of the account: "account", "country +82", "origin push.example.net". */
  part: string;
}

/** A circuit that is not closed. Moments are ms since the epoch. */
export interface OpenCircuit extends CircuitName {
  state: "open" | "half-open";
  since: number;
  /** When it is probed next; it has passed: with the next delivery. */
  until: number;
  reason: Reason;
}

export interface Circuits {
  /** The one that opened first comes first. */
  notClosed: OpenCircuit[];
  closed: CircuitName[];
}

/**
 * The circuits of every channel, as its dispatchers share them. Undefined: they cannot be read.
 * @param now by the clock of this process, ms since the epoch
 */
export async function readCircuits(
  of: (channel: Channel) => Pick<SharedCircuits, "read">,
  now: () => number,
): Promise<Circuits | undefined> {
  const read = await Promise.all(CHANNELS.map(async (channel) => ({ channel, known: await of(channel).read() })));
  const at = now();
  const circuits: Circuits = { notClosed: [], closed: [] };
  for (const { channel, known } of read) {
    if (known === undefined) return undefined;
    for (const [text, { open }] of known) {
      const name = { channel, ...nameOf(text) };
      if (open === undefined) circuits.closed.push(name);
      else {
        const { since, until, reason } = open;
        circuits.notClosed.push({ ...name, state: at < until ? "open" : "half-open", since, until, reason });
      }
    }
  }
  circuits.notClosed.sort((a, b) => a.since - b.since);
  return circuits;
}

/** A circuit's name is provider/account, a space, and the part. */
const nameOf = (text: string) => {
  const at = text.indexOf(" ");
  return { account: text.slice(0, at), part: text.slice(at + 1) };
};
