import type { ProviderName } from "../../core/apps/accounts.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import { isReasonCode } from "../../core/delivery/reason.ts";
import { accountStateOf, isOver, type SteeringRecord } from "../../core/steering/steering.ts";
import { targetKey } from "../../core/steering/target.ts";
import { explain } from "../../operations/why/explain.ts";
import type { ChannelNow, CircuitNow, Incident, Now, PromiseNow } from "../view-now.ts";
import { CHANNEL_NAMES, isTriedAgain } from "./words.ts";

/** How long something waits before it is told as an incident, in ms: most failures are over by then. */
const WORTH_TELLING_MS = 60_000;
/** Incidents that are told; the panels below have the rest. */
export const INCIDENTS_MAX = 4;

interface Facts {
  /** In the order of promisesOf(). */
  promises: readonly PromiseNow[];
  isNatsAway: boolean;
  circuits: readonly CircuitNow[];
  channels: readonly ChannelNow[];
  outbox: Now["outbox"];
  steering: readonly SteeringRecord[];
  /** Deliveries that wait for each target, by its key: "app:shop". */
  held: ReadonlyMap<string, number>;
  providers: readonly ProviderName[];
  now: number;
}

/**
 * All that is wrong now, the worst first: what is lost, NATS that is away, critical deliveries that are late, circuits that keep deliveries waiting, reasons for
 * which a channel waits. Then what somebody holds back, then promises that were broken. Pure.
 */
export function incidentsOf(facts: Facts): Pick<Now, "incidents" | "moreIncidents"> {
  const { promises, isNatsAway, outbox } = facts;
  const broken = promises.filter(({ state }) => state === "broken");
  const brokenNow = broken.filter(({ isBrokenNow }) => isBrokenNow);
  const isLoss = (one: PromiseNow) => one === promises[0];
  const all = [
    ...brokenNow.filter(isLoss).map(promiseIncident),
    ...(isNatsAway ? [natsIncident(outbox)] : []),
    ...brokenNow.filter((one) => !isLoss(one)).map(promiseIncident),
    ...circuitIncidents(facts),
    ...waitingIncidents(facts),
    ...heldIncidents(facts),
    ...broken.filter(({ isBrokenNow }) => !isBrokenNow).map(promiseIncident),
  ];
  return { incidents: all.slice(0, INCIDENTS_MAX), moreIncidents: Math.max(0, all.length - INCIDENTS_MAX) };
}

const NOTHING = { examples: [], drain: "", resume: "" } satisfies Partial<Incident>;

const promiseIncident = ({ title, words, isBrokenNow, examples }: PromiseNow): Incident => ({
  ...{ ...NOTHING, kind: isBrokenNow ? "fault" : "past", examples },
  title: `Not held: ${title.slice(0, 1).toLowerCase()}${title.slice(1)}`,
  text: isBrokenNow ? words : `${words}. It is over, and stays here for as long as what was accepted then is checked`,
  advice: isBrokenNow ? "Look at one that breaks it." : "Look at one that broke it. What is older is checked by carillon audit.",
  link: `/notifications/${examples[0]}`,
});

function natsIncident(outbox: Facts["outbox"]): Incident {
  const due = outbox.reduce((sum, { count }) => sum + count, 0);
  return {
    ...{ ...NOTHING, kind: "fault", title: "NATS cannot be reached" },
    text: `Nothing that is due gets to the dispatchers: ${due.toLocaleString("en")} ${due === 1 ? "notification is" : "notifications are"} due. Sends are accepted all the same, and stored`,
    advice: "Start NATS, even with an empty disk: roles connect by themselves, and what waited is sent once.",
    link: "/find#state=pending",
  };
}

/** Circuits of accounts that nobody has steered away from, while deliveries of their channel are tried again; first where most are. */
function circuitIncidents({ circuits, channels, steering, providers, now }: Facts): Incident[] {
  const failing = (channel: string) => failingOn(channels, channel);
  const isWhole = (one: CircuitNow) => one.part === "account";
  /** The circuit of the account as a whole stands for those of its parts. */
  const isOwn = (one: CircuitNow) => isWhole(one) || !circuits.some((other) => isWhole(other) && other.account === one.account);
  return circuits
    .filter((one) => failing(one.channel) > 0 && isOwn(one) && steeringOf(one.account, steering, now) === "open")
    .toSorted((a, b) => failing(b.channel) - failing(a.channel) || a.since - b.since)
    .map(({ channel, account, part, words, tag, since, advice }, i, all) => {
      const of = part === "account" ? "" : ` for ${part.replace(/^(origin|sender|topic) /, "")}`;
      const count = failing(channel);
      const [own] = account.split("/");
      const another = providers.find(
        (one) => one.channel === channel && one.name !== own && steeringOf(one.name, steering, now) === "open",
      );
      return {
        ...{ ...NOTHING, kind: "fault", title: `${nameOf(channel)} by ${account}${of} is not sent` },
        text: `${words} (${tag}). Since ${new Date(since).toISOString().slice(11, 19)} UTC. ${counted(count)} on ${nameOf(channel)} ${count === 1 ? "waits for another attempt and is" : "wait for another attempt and are"} tried again by ${count === 1 ? "itself" : "themselves"}`,
        ...{ advice: ordered(advice), link: linkOf({ channel }) },
        // Once for each account.
        drain: another && all.findIndex((one) => one.account === account) === i ? account : "",
      };
    });
}

/** A provider's name alone stands for its default account. */
function steeringOf(account: string, steering: readonly SteeringRecord[], now: number): "open" | "paused" | "drained" {
  const [name = "", of] = account.split("/");
  return accountStateOf({ name, account: of }, steering, now).state;
}

/** Deliveries of a channel for which another attempt follows. */
export const triedAgain = ({ retrying, misconfigured }: Pick<ChannelNow, "retrying" | "misconfigured">): number => retrying + misconfigured;

function failingOn(channels: readonly ChannelNow[], channel: string): number {
  const own = channels.find((one) => one.channel === channel);
  return own === undefined ? 0 : triedAgain(own);
}

/** Reasons for which something has waited too long, the most frequent first, and no circuit tells them. */
function waitingIncidents({ channels, circuits, now }: Facts): Incident[] {
  const late = channels.flatMap(({ channel, why }) =>
    why.flatMap(({ isInDoubt, reason, oldestAt = now, ...rest }) =>
      !isInDoubt &&
      isReasonCode(reason) &&
      isTriedAgain(reason) &&
      now - oldestAt >= WORTH_TELLING_MS &&
      !circuits.some((circuit) => circuit.channel === channel && circuit.code === reason)
        ? [{ channel, reason, oldestAt, ...rest }]
        : [],
    ),
  );
  return late
    .toSorted((a, b) => b.count - a.count)
    .map(({ channel, reason, count, words, oldestAt, details: [detail] }) => ({
      ...{ ...NOTHING, kind: "fault", title: `${nameOf(channel)} waits: ${words}` },
      text: `${counted(count)} ${count === 1 ? "waits" : "wait"} for this${detail ? ` (${detail.text})` : ""}; the oldest was to be sent ${Math.round((now - oldestAt) / 60_000)} min ago. ${count === 1 ? "It is" : "They are"} tried again`,
      advice: ordered(explain({ code: reason, ...(detail && { detail: detail.text }) }, "pending").advice),
      link: linkOf({ channel, reason }),
    }));
}

/** Pauses that hold something, and drains of accounts for which something waits, or whose circuit is not closed while their channel fails. */
function heldIncidents({ steering, held, circuits, channels, now }: Facts): Incident[] {
  return steering
    .filter((record) => !isOver(record, now))
    .flatMap((record): (Incident & { count: number })[] => {
      const { target, state, to, actor, reason, at, until } = record;
      const key = targetKey(target);
      const count = held.get(key) ?? 0;
      const isOwn = ({ account }: CircuitNow) => account === target.value || account.startsWith(`${target.value}/`);
      const circuit = state === "drained" && target.kind === "account" ? circuits.find(isOwn) : undefined;
      const failing = circuit === undefined ? 0 : failingOn(channels, circuit.channel);
      if (count === 0 && failing === 0) return [];
      const waits = count === 0 ? [] : [`${counted(count)} ${count === 1 ? "waits" : "wait"} for it to be resumed`];
      const others =
        circuit === undefined || failing === 0
          ? []
          : [
              `${counted(failing)} on ${nameOf(circuit.channel)} ${failing === 1 ? "waits" : "wait"} for another attempt, which another account makes`,
            ];
      return [
        {
          ...{ ...NOTHING, kind: "held", count, by: { actor, reason, at, until } },
          title: state === "drained" ? `${target.value} is drained to ${to ?? "another provider"}` : `${titleOf(record)} is paused`,
          text: [...waits, ...others].join(". "),
          advice:
            count === 0 ? "Nothing; resume it once its provider is well." : "Nothing, or resume it: what waits goes out within seconds.",
          link: count === 0 && circuit ? linkOf({ channel: circuit.channel }) : linkOf({ ...filterOf(record), reason: "paused" }),
          resume: key,
        },
      ];
    })
    .toSorted((a, b) => b.count - a.count)
    .map(({ count: _, ...incident }) => incident);
}

const titleOf = ({ target: { kind, value } }: SteeringRecord) =>
  kind === "channel" ? nameOf(value) : `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)} ${value}`;

/** The filter of a search for what an order holds back. */
function filterOf({ target: { kind, value } }: SteeringRecord): Record<string, string> {
  return kind === "account" ? {} : { [kind]: value };
}

const nameOf = (channel: string) => CHANNEL_NAMES[channel as Channel] ?? channel;
const counted = (count: number) => `${count.toLocaleString("en")} ${count === 1 ? "delivery" : "deliveries"}`;
/** The advice without its address to operators, who read it here. */
const ordered = (advice: string) => advice.replace(/^Operator: (.)/, (_, first: string) => first.toUpperCase());
const linkOf = (filter: Record<string, string>) => `/find#${new URLSearchParams({ state: "pending", ...filter })}`;
