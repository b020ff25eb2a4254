import type { Channel } from "../../core/delivery/channel.ts";
import { isReasonCode } from "../../core/delivery/reason.ts";
import { REASON_WORDS } from "../../core/delivery/reason-words.ts";
import { plainWords } from "../../operations/why/plain-words.ts";
import type { ChannelNow, CircuitNow, Incident, Now, PromiseNow } from "../view-now.ts";
import { CHANNEL_NAMES, isTriedAgain } from "./words.ts";

/** How long something waits before it is told as an incident, in ms: most failures are over by then. */
const WORTH_TELLING_MS = 60_000;

interface Facts {
  promises: readonly PromiseNow[];
  isNatsAway: boolean;
  circuits: readonly CircuitNow[];
  channels: readonly ChannelNow[];
  outbox: Now["outbox"];
  now: number;
}

/** The worst that is the case: a promise that is broken, NATS that is away, a circuit that keeps deliveries waiting, or a reason for which a channel waits. Pure. */
export function incidentOf({ promises, isNatsAway, circuits, channels, outbox, now }: Facts): Incident | undefined {
  const broken = promises.find(({ state }) => state === "broken");
  if (broken)
    return {
      title: `Not held: ${broken.title.toLowerCase()}`,
      text: broken.words,
      advice: "Look at one that broke it. What is older is checked by `carillon audit`.".replaceAll("`", ""),
      ...{ link: broken.examples[0] ? `/notifications/${broken.examples[0]}` : "/find", drain: "" },
    };
  if (isNatsAway) return natsIncident(outbox);
  // Of many the one that keeps most waiting, then the one that opened first.
  const waits = (channel: string) => channels.find((one) => one.channel === channel)?.waiting ?? 0;
  const [circuit] = circuits.toSorted((a, b) => waits(b.channel) - waits(a.channel) || a.since - b.since);
  if (circuit && waits(circuit.channel) > 0) return circuitIncident(circuit, waits(circuit.channel));
  return waitingIncident(channels, now);
}

function natsIncident(outbox: Facts["outbox"]): Incident {
  const due = outbox.reduce((sum, { count }) => sum + count, 0);
  return {
    title: "NATS cannot be reached",
    text: `Nothing that is due gets to the dispatchers: ${due.toLocaleString("en")} ${due === 1 ? "notification is" : "notifications are"} due. Sends are accepted all the same, and stored`,
    advice: "Start NATS, even with an empty disk: roles connect by themselves, and what waited is sent once.",
    ...{ link: "/find#state=pending", drain: "" },
  };
}

function circuitIncident({ channel, account, part, words, tag, since }: CircuitNow, waiting: number): Incident {
  const of = part === "account" ? "" : ` for ${part.replace(/^(origin|sender|topic) /, "")}`;
  const code = tag.split(":")[0] ?? "";
  return {
    title: `${nameOf(channel)} by ${account}${of} is not sent`,
    text: `${words}. Since ${new Date(since).toISOString().slice(11, 19)} UTC. ${plural(waiting)} on ${nameOf(channel)}, and ${waiting === 1 ? "is tried again by itself" : "are tried again by themselves"}`,
    ...{ advice: adviceOf(code), link: linkOf(channel, ""), drain: account },
  };
}

/** Deliveries of a channel for which another attempt follows. */
export const triedAgain = ({ retrying, misconfigured }: Pick<ChannelNow, "retrying" | "misconfigured">): number => retrying + misconfigured;

/** The most frequent reason for which something has waited too long. */
function waitingIncident(channels: readonly ChannelNow[], now: number): Incident | undefined {
  const late = channels.flatMap(({ channel, why }) =>
    why.flatMap(({ isInDoubt, reason, oldestAt = now, ...rest }) =>
      !isInDoubt && isReasonCode(reason) && isTriedAgain(reason) && now - oldestAt >= WORTH_TELLING_MS
        ? [{ channel, reason, oldestAt, ...rest }]
        : [],
    ),
  );
  const [worst] = late.toSorted((a, b) => b.count - a.count);
  if (worst === undefined) return undefined;
  return {
    title: `${nameOf(worst.channel)} waits: ${worst.words}`,
    text: `${plural(worst.count)} for this; the oldest was to be sent ${Math.round((now - worst.oldestAt) / 60_000)} min ago. ${worst.count === 1 ? "It is" : "They are"} tried again`,
    ...{ advice: adviceOf(worst.reason), link: linkOf(worst.channel, worst.reason), drain: "" },
  };
}

const nameOf = (channel: string) => CHANNEL_NAMES[channel as Channel] ?? channel;
const plural = (count: number) => `${count.toLocaleString("en")} ${count === 1 ? "delivery waits" : "deliveries wait"}`;
const adviceOf = (code: string) =>
  isReasonCode(code) ? plainWords(REASON_WORDS[code].advice).replace(/^Operator: (.)/, (_, first: string) => first.toUpperCase()) : "";
const linkOf = (channel: string, reason: string) =>
  `/find#${new URLSearchParams({ state: "pending", channel, ...(reason && { reason }) })}`;
