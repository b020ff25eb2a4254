import type { OpenCount } from "../../adapters/store/open-deliveries.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { REASON_WORDS } from "../../core/delivery/reason-words.ts";
import type { Store } from "../../core/ports/store.ts";
import { readTarget, type Target, targetKey } from "../../core/steering/target.ts";
import { FAILED_MAX, readWaiting } from "../../operations/status/waiting.ts";
import { pause, resume } from "../../operations/steering/pauses.ts";
import { plainWords } from "../../operations/why/plain-words.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Session } from "../session.ts";
import type { ChannelNow, Now, Steered } from "../view.ts";
import { type Fields, RequestFault, readReason, textOf } from "./route.ts";

/** Actions that are shown. */
const ACTIONS = 10;
/** How old an answer may be that is given to the next who asks, in ms: a count reads up to 100,000 notifications. */
const FRESH_MS = 2_000;

export type NowStore = Pick<Store, "notifications" | "time" | "steering" | "apps">;

/** What waits and why, what is paused, and who changed what. However many ask, the store is read once in FRESH_MS. */
export function createNow(store: NowStore): () => Promise<Now> {
  let last: { at: number; answer: Promise<Now> } | undefined;
  return () => {
    const at = performance.now();
    if (last === undefined || at - last.at > FRESH_MS) {
      last = { at, answer: readNow(store) };
      last.answer.catch(() => {
        last = undefined;
      });
    }
    return last.answer;
  };
}

async function readNow(store: NowStore): Promise<Now> {
  const [waiting, steering, actions, now] = await Promise.all([
    readWaiting(store),
    store.steering.list(),
    store.steering.actions(undefined, ACTIONS),
    store.time(),
  ]);
  const { open, outbox, failed } = waiting;
  return {
    channels: CHANNELS.map((channel) => channelOf(channel, open)).sort((a, b) => trouble(b) - trouble(a)),
    outbox,
    ...{ failed, isFailedCut: failed === FAILED_MAX, now },
    steering: steering.map(({ target, to = "", ...rest }): Steered => ({ ...rest, to, target: targetKey(target) })),
    actions: actions.map(({ at, actor, action, target, reason, result = "begun; nothing more is known" }) => ({
      at,
      actor,
      action,
      target,
      reason,
      result,
    })),
  };
}

const trouble = ({ why }: ChannelNow) => why.reduce((sum, { count, reason }) => sum + (reason === "" ? 0 : count), 0);

function channelOf(channel: string, open: readonly OpenCount[]): ChannelNow {
  const own = open.filter((one) => one.channel === channel);
  const sum = (state: OpenCount["state"]) => own.reduce((total, one) => total + (one.state === state ? one.count : 0), 0);
  const why = own.map(({ state, reason, count }) => ({ count, isInDoubt: state === "uncertain", ...wordsOf(state, reason) }));
  return { channel, waiting: sum("pending"), inDoubt: sum("uncertain"), why: why.sort((a, b) => b.count - a.count) };
}

function wordsOf(state: OpenCount["state"], reason: OpenCount["reason"]): { words: string; reason: string } {
  if (state === "uncertain") return { words: "In doubt: the provider did not answer", reason: reason === "none" ? "" : reason };
  if (reason === "none") return { words: "Nothing failed: scheduled, queued, or being sent", reason: "" };
  const means = plainWords(REASON_WORDS[reason].means);
  const [, pending] = /Pending: (.*?)(?: (?:Expired|Failed): |$)/.exec(means) ?? [];
  const words = (pending ?? means).split(/\. /)[0] ?? "";
  return { words: `${words.slice(0, 1).toUpperCase()}${words.slice(1).replace(/\.$/, "")}`, reason };
}

export async function steer(store: NowStore, action: "pause" | "resume", body: Fields, session: Session): Promise<{ said: string }> {
  const target = targetOf(textOf(body, "target", 200));
  const order = { actor: session.name, reason: readReason(body), target };
  try {
    if (action === "pause") {
      await pause(store, order);
      return { said: `${targetKey(target)} is paused within 5 s.` };
    }
    const wasPaused = await resume(store, order);
    return { said: wasPaused ? `${targetKey(target)} is resumed; what waited is sent.` : `${targetKey(target)} was not paused.` };
  } catch (error) {
    if (error instanceof OperatorError) throw new RequestFault(error.message);
    throw error;
  }
}

/** Accounts are paused on the command line, which knows the providers. */
function targetOf(text: string): Target {
  const target = readTarget(text, []);
  if ("fault" in target) throw new RequestFault(`target ${target.fault}`);
  return target;
}
