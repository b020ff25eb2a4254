// Calls a gateway with different notifications: as fast as it answers, with a fixed number of calls in flight, or at a fixed rate. Costs a tenth of what a
// grpc-js client costs, which could not saturate a gateway. Counts accepted notifications, not sent ones.
import {
  BatchSendNotificationsResponse,
  type NotificationClass,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { answering } from "../answering.ts";
import { connectGrpc, type GrpcConnection } from "../http2/grpc-connection.ts";
import { type PacedOrder, sendPaced } from "../load/paced-calls.ts";
import { createRequests } from "../notification-bytes.ts";

export interface LoadOrder {
  /** host:port */
  address: string;
  key: string;
  /** Notifications of one batch call; 0: unary calls. */
  batch: number;
  inFlight: number;
  /** Absent: transactional. */
  notificationClass?: NotificationClass;
  /** Total; a batch that would exceed it is not sent. */
  notifications: number;
  /** Absent: due at once; ms since the epoch. */
  sendAt?: number;
}

export interface LoadResult {
  accepted: number;
  /** Notifications of calls that failed, and items answered with an error. */
  failed: number;
  /** Until the last call was answered. */
  ms: number;
}

/** Connections, as from a service with a few pods. */
const CONNECTIONS = 8;
const open = new Map<string, GrpcConnection[]>();
/** Numbers that no earlier process has used. */
let next = Date.now() * 1_000;

async function connections({ address, key, batch }: LoadOrder): Promise<GrpcConnection[]> {
  const { sendNotification, batchSendNotifications } = NotificationServiceService;
  const { path } = batch === 0 ? sendNotification : batchSendNotifications;
  const name = `${address} ${path}`;
  // The gateway ends each connection after some minutes, in which a backlog may have been sent.
  const left = open.get(name)?.filter(({ ending }) => ending === "no") ?? [];
  const added = Array.from({ length: CONNECTIONS - left.length }, () => connectGrpc(address, path, key));
  const all = [...left, ...(await Promise.all(added))];
  open.set(name, all);
  return all;
}

function acceptedOf(answer: Buffer | undefined, batch: number): number {
  if (answer === undefined) return 0;
  if (batch === 0) return 1;
  return BatchSendNotificationsResponse.decode(answer).results.filter(({ result }) => result?.$case === "accepted").length;
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const { batch, inFlight, notifications } = order;
  const all = await connections(order);
  const each = batch || 1;
  const request = createRequests(batch, next, order.notificationClass, order.sendAt === undefined ? {} : { sendAt: order.sendAt });
  const began = performance.now();
  let [sent, accepted] = [0, 0];
  async function caller(connection: GrpcConnection): Promise<void> {
    while (sent + each <= notifications) {
      sent += each;
      const answer = await connection.call(request());
      accepted += acceptedOf(answer, batch);
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, i) => caller(all[i % all.length]!)));
  next += sent;
  return { accepted, failed: sent - accepted, ms: performance.now() - began };
}

answering((order: LoadOrder | PacedOrder) => ("perSecond" in order ? sendPaced(order) : load(order)));
