import { Metadata } from "@grpc/grpc-js";
import { readDetails } from "../../runtime/grpc/status.ts";
import type { CallEnd } from "../http2/grpc-connection.ts";
import { readHeaderFields } from "../http2/header-fields.ts";

/** How a call ended for its caller. Numbers, as there are a million of them. */
export const OUTCOME = {
  none: 0,
  accepted: 1,
  /** The deadline passed; the call was on its way. */
  expired: 2,
  /** The deadline passed while it waited for room on a connection. */
  expiredUnsent: 3,
  cancelled: 4,
  /** RST_STREAM without a status. */
  reset: 5,
  /** Not taken before GOAWAY: a client may repeat it at once. */
  sentAway: 6,
  /** Its connection ended. */
  lost: 7,
  /** The server answered with a status; beyond this number is its place in a list. */
  status: 16,
} as const;

/** A status that calls were answered with. */
export interface Status {
  /** Of gRPC. */
  code: number;
  /** ErrorInfo's, or "". */
  reason: string;
  hasRetryInfo: boolean;
  /** Of the first such answer. */
  message: string;
}

const STATUSES_MAX = 200;
/** Most of a server's rejections have the same bytes. */
const KNOWN_MAX = 10_000;

/** Gives each end of a call its outcome, and collects the statuses and the error codes of resets. */
export function createOutcomes(): { of(end: CallEnd): number; readonly statuses: Status[]; readonly resets: Record<number, number> } {
  const statuses: Status[] = [];
  const resets: Record<number, number> = {};
  const known = new Map<string, number>();

  function ofBlock(block: Buffer): number {
    const bytes = block.toString("latin1");
    const before = known.get(bytes);
    if (before !== undefined) return before;
    const status = readStatus(block);
    const isSame = (s: Status) => s.code === status.code && s.reason === status.reason && s.hasRetryInfo === status.hasRetryInfo;
    let at = statuses.findIndex(isSame);
    if (at < 0) at = statuses.push(status) - 1;
    if (at >= STATUSES_MAX) throw new Error(`more than ${STATUSES_MAX} different statuses`);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(bytes, OUTCOME.status + at);
    return OUTCOME.status + at;
  }
  return {
    statuses,
    resets,
    of(end) {
      if (end.how === "message") return OUTCOME.accepted;
      if (end.how === "status") return ofBlock(end.block);
      if (end.how !== "reset") return end.how === "go-away" ? OUTCOME.sentAway : OUTCOME.lost;
      resets[end.error] = (resets[end.error] ?? 0) + 1;
      return OUTCOME.reset;
    },
  };
}

/** The status of a response without a message. Its details are in a header of their own, in base64. */
export function readStatus(block: Buffer): Status {
  const fields = readHeaderFields(block);
  const metadata = new Metadata();
  const details = fields.get("grpc-status-details-bin");
  if (details !== undefined) metadata.set("grpc-status-details-bin", Buffer.from(details, "base64"));
  const code = Number(fields.get("grpc-status") ?? Number.NaN);
  const { reason = "", retryAfterMs } = readDetails({ code, details: decodeURIComponent(fields.get("grpc-message") ?? ""), metadata });
  const message = decodeURIComponent(fields.get("grpc-message") ?? "");
  return { code, reason, hasRetryInfo: retryAfterMs !== undefined, message };
}
