import { CHANNELS } from "../../core/delivery/channel.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { isReasonCode, REASON_CODES, type ReasonCode } from "../../core/delivery/reason.ts";
import { REASON_WORDS } from "../../core/delivery/reason-words.ts";
import { deadLetters } from "../../operations/dead-letters/dead-letters.ts";
import { redrive } from "../../operations/dead-letters/redrive.ts";
import { logged } from "../../operations/steering/audit-log.ts";
import { plainWords } from "../../operations/why/plain-words.ts";
import type { Session } from "../session.ts";
import type { DeadGroup, DeadLetters, Redriven } from "../view.ts";
import { type ActParts, redriven } from "./act.ts";
import { type Fields, flagOf, RequestFault, readReason, requireRole, textOf } from "./route.ts";

/** How far back it looks, in ms. */
const SINCE_MS = 7 * 86_400_000;
/** Notifications that one reading counts, and one order redrives, at most: a few seconds of the store's work. */
const READ_MAX = 5_000;
/** Redriven deliveries that become due in a second: what failed together must not come back at once. */
const RATE = 50;

/** Whether another attempt would help, by the reason of the failure. Of a reason without a row: it depends on its detail. */
const HELPS: Readonly<Partial<Record<ReasonCode, readonly [helps: boolean, words: string]>>> = {
  "endpoint-gone": [false, "No: the endpoint is gone. Only one by one"],
  rejected: [false, "No: the same content is rejected again"],
  "opted-out": [false, "No: the recipient opted out"],
  stopped: [false, "No: the person answered STOP"],
  complained: [false, "No: the person complained"],
  bounced: [false, "No: the address does not exist"],
  "content-lost": [false, "No: the content is not in the store any more"],
  poison: [false, "Not before the fault is fixed. Please report it"],
  "attempts-exhausted": [true, "Yes: nothing was sent"],
  "outcome-unknown": [true, "They may have arrived. A redrive can deliver a second time"],
  undelivered: [true, "Perhaps, after some hours. The provider accepted them once, so a second copy may arrive"],
};

export async function readDead({ store }: ActParts): Promise<DeadLetters> {
  const now = await store.time();
  const from = now - SINCE_MS;
  const groups = new Map<string, DeadGroup>();
  let [read, total] = [0, 0];
  for await (const n of store.notifications.failed(from, now)) {
    if (++read > READ_MAX) break;
    for (const { channel, reason } of deadLetters(n, { from, to: now })) {
      total += 1;
      const group = groups.get(`${channel} ${reason?.code}`) ?? groupOf(channel, reason?.code);
      group.count += 1;
      groups.set(`${channel} ${reason?.code}`, group);
    }
  }
  return { total, groups: [...groups.values()].sort((a, b) => b.count - a.count), from, isCut: read > READ_MAX, now };
}

function groupOf(channel: string, code: ReasonCode | undefined): DeadGroup {
  const [isRedrivable, advice] = (code && HELPS[code]) ?? [true, "It depends on the reason: see the deliveries"];
  const words = code === undefined ? "No reason was stored" : (plainWords(REASON_WORDS[code].means).split(/(?<=\.) /)[0] ?? "");
  return { channel, reason: code ?? "none", words, count: 0, advice, isRedrivable };
}

/** Redrives a group: what would be sent is said by a dry run of the same order. */
export async function redriveGroup({ store, recorder }: ActParts, body: Fields, session: Session): Promise<Redriven> {
  requireRole(session, "operator");
  const channel = CHANNELS.find((one) => one === textOf(body, "channel", 20));
  const reason = textOf(body, "reason", 60);
  if (channel === undefined) throw new RequestFault(`channel must be one of ${CHANNELS.join(", ")}`);
  if (!isReasonCode(reason)) throw new RequestFault(`reason must be one of ${REASON_CODES.join(", ")}`);
  const [uncertain, dryRun] = [flagOf(body, "uncertain"), flagOf(body, "dryRun")];
  const run = async (now: number) => {
    const filter = { channel, reason, from: now - SINCE_MS, to: now };
    const bounded = { ...store, notifications: boundedFailed(store.notifications) };
    return redriven(await redrive(bounded, { kind: "filter", filter }, { terms: { uncertain }, now, rate: RATE, recorder, dryRun }));
  };
  if (dryRun) return run(await store.time());
  const order = { actor: session.name, reason: readReason({ reason: body.why }), action: "redrive", target: `${channel} ${reason}` };
  return logged(store, order, async (now) => {
    const result = await run(now);
    return { result, words: [`${result.redriven} redriven`, ...result.leftOut].join("; ") };
  });
}

/** The same store, of which one order reads READ_MAX failures at most. */
function boundedFailed(notifications: ActParts["store"]["notifications"]): ActParts["store"]["notifications"] {
  return Object.assign(Object.create(notifications) as typeof notifications, {
    async *failed(from: number, to: number): AsyncGenerator<NotificationRecord> {
      let read = 0;
      for await (const n of notifications.failed(from, to)) {
        yield n;
        if (++read === READ_MAX) return;
      }
    },
  });
}
