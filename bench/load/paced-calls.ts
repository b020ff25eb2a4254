import type { NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import { NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import type { CallEnd } from "../http2/grpc-connection.ts";
import { monotonicUs } from "../monotonic.ts";
import { createRequests } from "../notification-bytes.ts";
import { createCallPool } from "./call-pool.ts";
import { createOutcomes, OUTCOME, type Status } from "./outcomes.ts";
import { pack } from "./packed.ts";
import { createSchedule } from "./schedule.ts";

/** Calls that are due at fixed times, whatever the answers do. */
export interface PacedOrder {
  /** host:port */
  address: string;
  key: string;
  /** Absent: transactional. */
  notificationClass?: NotificationClass;
  perSecond: number;
  calls: number;
  connections: number;
  /** From the due time of a call; then its caller gives up. It is sent with the call as well. */
  deadlineMs: number;
  /** This share of the calls is cancelled so long after it was due. */
  cancelling?: { share: number; afterMs: number };
  /** Number of the first notification. Pushes are tagged with their numbers. */
  first: number;
}

export interface PacedReport {
  /** monotonicUs() at which the first call was due. */
  startUs: number;
  /** Packed, by call: an OUTCOME, or OUTCOME.status + the index of its status. */
  outcomes: string;
  /** Packed, by call: us from the start to its end. */
  endedUs: string;
  statuses: Status[];
  /** RST_STREAM without a status, by error code of HTTP/2. */
  resets: Readonly<Record<number, number>>;
  /** Connections that ended without GOAWAY, and with it, while calls were under way or to come. */
  connectionsLost: number;
  connectionsSentAway: number;
  connectsFailed: number;
  /** How late the load generator itself began the calls that did not wait for room on a connection, in ms. */
  ownDelayMs: { mean: number; max: number };
}

/** Where the server's and the caller's timer race at the deadline: both round to ms. */
const LATE_US = 5_000;
/** Calls are begun this often, in ms: each begins up to so much after it is due. */
const TICK_MS = 1;

export async function sendPaced(order: PacedOrder): Promise<PacedReport> {
  const { calls, perSecond, deadlineMs, cancelling = { share: 0, afterMs: 0 }, first } = order;
  const schedule = createSchedule(perSecond, calls, cancelling.share);
  const request = createRequests(0, first, order.notificationClass, { isTagged: true });
  const { path } = NotificationServiceService.sendNotification;
  await using pool = await createCallPool({ ...order, path, timeoutMs: deadlineMs });
  const outcomes = createOutcomes();
  const outcomeOf = new Uint8Array(calls);
  const endedUs = new Uint32Array(calls);
  const begun = new Map<number, () => void>();
  const startUs = monotonicUs();
  const nowUs = () => monotonicUs() - startUs;
  const own = { sumUs: 0, maxUs: 0, count: 0 };
  /** Due and not begun yet: from `next` to `due`. Those whose caller has given up meanwhile have an outcome. */
  let [next, due, ended] = [0, 0, 0];
  let [expired, cancelled] = [0, 0];

  const end = (call: number, outcome: number) => {
    if (outcomeOf[call] !== OUTCOME.none) return;
    outcomeOf[call] = outcome;
    endedUs[call] = nowUs();
    begun.delete(call);
    ended++;
  };
  const beginWaiting = (hasWaited: boolean) => {
    for (; next < due; next++) {
      if (outcomeOf[next] !== OUTCOME.none) {
        request();
        continue;
      }
      const call = next;
      const dueUs = schedule.dueUs(call);
      const now = nowUs();
      const leftMs = deadlineMs - Math.floor((now - dueUs) / 1_000);
      const onEnd = (how: CallEnd) => {
        const outcome = outcomes.of(how);
        // The server's timer and ours end the same call at the same time; then its caller has given up, however the server says it.
        const isLate = outcome !== OUTCOME.accepted && nowUs() >= dueUs + deadlineMs * 1_000 - LATE_US;
        end(call, isLate ? OUTCOME.expired : outcome);
        beginWaiting(true);
      };
      const cancel = pool.begin(request, onEnd, Math.max(1, leftMs));
      if (cancel === undefined) return;
      begun.set(call, cancel);
      if (hasWaited) continue;
      own.sumUs += now - dueUs;
      own.maxUs = Math.max(own.maxUs, now - dueUs);
      own.count++;
    }
  };
  const giveUp = (call: number, outcome: number, outcomeUnsent: number) => {
    const cancel = begun.get(call);
    cancel?.();
    end(call, cancel ? outcome : outcomeUnsent);
  };
  const giveUpLate = (now: number) => {
    for (; expired < due && schedule.dueUs(expired) + deadlineMs * 1_000 <= now; expired++)
      giveUp(expired, OUTCOME.expired, OUTCOME.expiredUnsent);
    if (cancelling.share === 0) return;
    for (; cancelled < due && schedule.dueUs(cancelled) + cancelling.afterMs * 1_000 <= now; cancelled++)
      if (schedule.isCancelled(cancelled)) giveUp(cancelled, OUTCOME.cancelled, OUTCOME.cancelled);
  };

  while (ended < calls) {
    const waited = next < due;
    due = schedule.dueBy(nowUs());
    giveUpLate(nowUs());
    beginWaiting(waited);
    const untilNextMs = due < calls ? (schedule.dueUs(due) - nowUs()) / 1_000 : TICK_MS;
    const isIdle = ended === due && due < calls;
    await new Promise((resolve) => setTimeout(resolve, isIdle ? Math.max(TICK_MS, untilNextMs) : TICK_MS));
  }
  return {
    startUs,
    outcomes: pack(outcomeOf),
    endedUs: pack(endedUs),
    statuses: outcomes.statuses,
    resets: outcomes.resets,
    ...pool.faults,
    ownDelayMs: { mean: own.sumUs / own.count / 1_000, max: own.maxUs / 1_000 },
  };
}
