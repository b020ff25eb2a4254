import { CHANNELS } from "../../core/delivery/channel.ts";
import { REASON_CODES, type ReasonCode } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { deadLetters } from "../../operations/dead-letters/dead-letters.ts";
import { beginRedrive, STEP_READS_MAX } from "../../operations/dead-letters/redrive.ts";
import { explain, firstSentence } from "../../operations/why/explain.ts";
import type { SessionRoute } from "../auth/protect.ts";
import type { Session } from "../session.ts";
import type { DeadGroup, DeadLetters, GroupRedrive, GroupRedrives, Redriven } from "../view.ts";
import { type ActParts, redriven } from "./act.ts";
import { type Shared, shared } from "./kept.ts";
import { type Group, RATE, type Redrives } from "./redrives.ts";
import { type Fields, flagOf, get, oneOf, post, RequestFault, readOrder, textOf } from "./route.ts";
import { orderFor } from "./sight.ts";

/** How far back it looks, in ms. */
const SINCE_MS = 7 * 86_400_000;
/** Notifications that one reading counts, or one plan reads, at most: a few seconds of the store's work. */
const READ_MAX = 5_000;
/** Characters of the id of an action. */
const ACTION_ID_MAX = 60;

interface DeadParts {
  store: Pick<ActParts["store"], "notifications" | "time">;
  clock: Pick<Clock, "monotonic">;
}

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

/** Reads the store once in FRESH_MS, however many people ask. */
export const createDead = (parts: DeadParts): Shared<DeadLetters> => shared(() => readDead(parts), parts.clock);

async function readDead({ store }: DeadParts): Promise<DeadLetters> {
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
  const words = code === undefined ? "No reason was stored" : firstSentence(explain({ code }, "failed").means);
  return { channel, reason: code ?? "none", words, count: 0, advice, isRedrivable };
}

/** The redrives of groups: what would be sent is said by a dry run of the same order. @param dead is read anew once one has ended */
export function createRedriveRoutes(
  { redrives, ...parts }: ActParts & { redrives: Redrives },
  dead: Pick<Shared<DeadLetters>, "renew">,
): SessionRoute[] {
  let runningBefore = 0;
  return [
    post("/api/dead/redrive", async (body, session) => {
      const { groupAt, target, uncertain } = readGroupOrder(body);
      if (flagOf(body, "dryRun")) return planOf(parts, groupAt(await parts.store.time()), uncertain);
      const order = readOrder({ reason: body.why }, session);
      return { id: await redrives.begin({ ...order, target }, groupAt, uncertain) };
    }),
    get("/api/dead/redrives", async (_, session): Promise<GroupRedrives> => {
      const { redrives: all, ...rest } = await redrives.list();
      const running = all.filter(({ state }) => state === "running").length;
      if (running < runningBefore) dead.renew();
      runningBefore = running;
      return { ...rest, redrives: all.map((one) => redriveFor(session, one)) };
    }),
    post("/api/dead/stop", async (body, session) => {
      await redrives.stop(textOf(body, "id", ACTION_ID_MAX), session.name);
      return {};
    }),
  ];
}

/** What a person of this role may see of it. */
function redriveFor(session: Session, { words, ...one }: GroupRedrive): GroupRedrive {
  const { actor, reason: why, result } = orderFor(session, { actor: one.actor, reason: one.why, result: words });
  return { ...one, actor, why, words: result };
}

function readGroupOrder(body: Fields) {
  const [channel, reason] = [oneOf(body, "channel", CHANNELS), oneOf(body, "reason", REASON_CODES)];
  const { until = Number.MAX_SAFE_INTEGER } = body;
  if (typeof until !== "number" || !Number.isSafeInteger(until) || until < 0)
    throw new RequestFault("until must be a moment in ms since the epoch");
  const groupAt = (at: number): Group => ({ channel, reason, from: Math.min(at, until) - SINCE_MS, to: Math.min(at, until) });
  return { groupAt, target: `${channel} ${reason}`, uncertain: flagOf(body, "uncertain") };
}

/** What a redrive would do, of the first READ_MAX notifications that failed. */
async function planOf({ store, recorder }: ActParts, filter: Group, uncertain: boolean): Promise<Redriven> {
  const plan = beginRedrive(store, { kind: "filter", filter }, { terms: { uncertain }, rate: RATE, recorder, dryRun: true });
  const now = await store.time();
  let isMore = true;
  for (let steps = 0; isMore && steps < READ_MAX / STEP_READS_MAX; steps++) isMore = await plan.step(STEP_READS_MAX, now);
  return { ...redriven(plan.report), isCut: isMore };
}
