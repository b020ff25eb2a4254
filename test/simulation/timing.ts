// Quiet hours and a frequency cap, in some worlds: who may be sent what, and when.
import { createReader } from "../../adapters/preferences/reader.ts";
import { createSendingTimes } from "../../adapters/preferences/sending-times.ts";
import type { ReasonCode } from "../../core/delivery/reason.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import type { Category, FrequencyCap } from "../../core/preferences/category.ts";
import type { Profile, QuietHours } from "../../core/preferences/profile.ts";
import { keepsQuietHours } from "../../core/preferences/sending-time.ts";
import { createCapCheck } from "../../dispatchers/cap-check.ts";
import { APP, USERS } from "./callers.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Simulation } from "./simulation.ts";
import { isSteered } from "./steering.ts";

const MINUTE_MS = 60_000;
/** All profiles are in UTC. */
const [OFFSET_AT, TIME_ZONE] = [() => 0, "UTC"];
/** From the noon at which the world begins: they begin while notifications are sent. Some expire before they end, others are sent then. */
const QUIET_HOURS: QuietHours = { fromMinute: 12 * 60 + 2, untilMinute: 12 * 60 + 20 };
/** The category of most notifications, and one place for each user: so that few are enough to fill a window. */
const [CATEGORY, MAX, WINDOW_MS] = ["orders", 1, 10 * MINUTE_MS];
/** Longer than anything waits for quiet hours, or for windows in which the notifications of one user follow one another. */
const TIMED_MS_MAX = 5 * 3_600_000;
/** From the question to the first byte, the age of a profile and the difference of clocks included. */
const BEGUN_MS = 15_000;
/** A clock that differs by more has jumped. */
const CLOCK_MS = 5_000;

/** What some worlds have beside all others. */
export interface Timing {
  quietUser: string | undefined;
  cap: FrequencyCap | undefined;
  /** Whether operators pause and resume. */
  steered: boolean;
}

/** By the seed alone, so that the other worlds are as they were. */
export function timingOf(seed: number): Timing {
  const quietUser = seed % 3 === 0 ? USERS[(seed / 3) % USERS.length] : undefined;
  const cap = seed % 5 === 0 ? { max: MAX, windowMs: WINDOW_MS, defer: seed % 2 === 0 } : undefined;
  return { quietUser, cap, steered: isSteered(seed) };
}

export const timedMsMax = ({ quietUser, cap }: Timing): number => (quietUser === undefined && cap === undefined ? 0 : TIMED_MS_MAX);

/** Of a delivery that waits, or ended, because of quiet hours or a cap. */
export const isTimed = (code: ReasonCode | undefined): boolean => code === "quiet-hours" || code === "cap";

/** Stores the profile. */
export async function setTiming(store: MemoryStore, { quietUser }: Timing): Promise<void> {
  const profile: Profile = { timeZone: TIME_ZONE, quietHours: QUIET_HOURS };
  if (quietUser !== undefined) await store.profiles.put(APP.id, quietUser, profile, 0);
}

/** The parts of a relay or dispatcher that ask; none in a world without quiet hours and without a cap. */
export function timingParts({ store, timing }: { store: MemoryStore; timing: Timing }, process: SimulatedProcess) {
  const { clock } = process;
  const { quietUser, cap } = timing;
  const category: Category = { name: CATEGORY, labels: {}, default: "opted-in", cap };
  const appOf = async () => ({ accounts: {}, categories: new Map([[CATEGORY, category]]) });
  const profiles = process.wrap("profiles", store.profiles, "store");
  const caps = process.wrap("caps", store.caps, "store");
  const profileOf = createReader(async (app, ids) => (await profiles.find(app, ids)).map((r) => [r.userId, r.profile] as const), clock);
  const preferencesOf = async () => undefined;
  return {
    ...(quietUser && { sendingTimes: createSendingTimes({ profileOf, preferencesOf, appOf, offsetAt: OFFSET_AT, clock }) }),
    ...(cap && { checkCap: createCapCheck({ caps, appOf, clock }) }),
  };
}

/** Judges each call as it begins. */
export function createTimingJudge(simulation: Simulation, store: MemoryStore, { quietUser, cap }: Timing) {
  const isQuiet = (at: number) => {
    const minute = Math.floor((at % (24 * 60 * MINUTE_MS)) / MINUTE_MS);
    return minute >= QUIET_HOURS.fromMinute && minute < QUIET_HOURS.untilMinute;
  };
  return (
    { attemptId, deliveryId, notificationClass }: OutboundDelivery,
    { userId, category, clockNow }: { userId: string | undefined; category: string; clockNow: number },
  ): void => {
    const hasJumped = Math.abs(clockNow - simulation.time.now()) > CLOCK_MS;
    if (keepsQuietHours(notificationClass, undefined) && userId !== undefined && userId === quietUser && !hasJumped)
      if (isQuiet(clockNow) && isQuiet(clockNow - BEGUN_MS)) simulation.broken("8 nothing is sent in quiet hours", attemptId);
    if (cap === undefined || notificationClass === "critical" || category !== CATEGORY) return;
    if (!store.caps.inside.hasPlace(deliveryId)) simulation.broken("8 what has a cap has a place", attemptId);
    if (store.caps.inside.most() > cap.max) simulation.broken("8 a window gives no more places than it has", attemptId);
  };
}
