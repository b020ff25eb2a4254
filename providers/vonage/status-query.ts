import type { Finding, StatusQuery } from "../../core/ports/provider.ts";
import { fieldOf, isWord, textFieldsOf } from "../transport/foreign.ts";
import { ABSENT, found, unreadable } from "../transport/status-query.ts";

/** Status queries at once. There are few, and sends must not wait for them. */
export const REPORT_SOCKETS_MAX = 4;
/** How far around the attempt's start the report reaches, in ms: clocks differ, and Vonage may take a while. */
const AROUND_MS = 3_600_000;

/** States that need no warning. */
const UNDER_WAY_OR_DELIVERED = new Set(["delivered", "accepted", "submitted", "buffered", "unknown"]);

/** The path of "Load records synchronously" (Vonage: Reports API) for one attempt. Undefined where there was no text to send. */
export function buildRecordsPath({ attemptId, endpoint, startedAt }: StatusQuery, accountId: string): string | undefined {
  if (endpoint.channel !== "sms") return undefined;
  const query = new URLSearchParams({
    account_id: accountId,
    product: "SMS",
    direction: "outbound",
    client_ref: attemptId,
    to: endpoint.phoneNumber.replace(/^\+/, ""),
    date_start: second(startedAt - AROUND_MS),
    date_end: second(startedAt + AROUND_MS),
  });
  return `/v2/reports/records?${query}`;
}

/** What a report answered with 200 says about the attempt: certain where a record's client_ref names it. Each part has a record; the first counts. */
export function readRecords(body: unknown, { attemptId }: StatusQuery): Finding {
  const records = fieldOf(body, "records");
  if (!Array.isArray(records)) return unreadable("bad-response");
  const own = records.find((record: unknown) => textFieldsOf(record)("client_ref") === attemptId);
  // Records of others mean that the filter was not applied, a cursor that there are more: either way ours may be elsewhere.
  if (own === undefined)
    return records.length === 0 && textFieldsOf(body)("cursor") === "" ? ABSENT : unreadable("status-query-incomplete");
  const field = textFieldsOf(own);
  const status = field("status").toLowerCase();
  return found(field("message_id"), UNDER_WAY_OR_DELIVERED.has(status) || !isWord(status) ? undefined : `status: ${status}`);
}

const second = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
