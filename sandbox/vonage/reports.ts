import { randomUUID } from "node:crypto";
import { jsonAnswer, type WireAnswer } from "../kit/simulator.ts";
import { timeAt } from "../kit/time.ts";

/** Records that can be queried; the oldest are dropped. */
const RECORDS_MAX = 10_000;

export interface SmsRecord {
  message_id: string;
  client_ref: string | null;
  from: string;
  to: string;
}

/** Vonage: "Reports API: Load records synchronously", product SMS; one record a part, as with show_concatenated. */
export function createVonageReports(accountId: string) {
  const kept: (SmsRecord & { at: number })[] = [];
  return {
    /** @param at ms since the epoch */
    add(record: SmsRecord, at: number) {
      kept.push({ ...record, at });
      if (kept.length > RECORDS_MAX) kept.splice(0, kept.length - RECORDS_MAX);
    },
    /** @param indexedUntil ms since the epoch */
    records(query: URLSearchParams, indexedUntil: number): WireAnswer {
      const mistake = mistakeIn(query, accountId);
      if (mistake !== undefined)
        return jsonAnswer(422, {
          type: "https://developer.vonage.com/api-errors#validation-failure",
          title: "Bad Request",
          detail: "The request failed due to validation errors",
          invalid_parameters: [{ name: mistake, reason: `${mistake} is missing or not valid` }],
          instance: randomUUID(),
        });
      const since = dateIn(query, "date_start") ?? 0;
      const until = Math.min(dateIn(query, "date_end") ?? indexedUntil, indexedUntil);
      const fits = (r: (typeof kept)[number]) =>
        (["client_ref", "from", "to"] as const).every((name) => r[name] === (query.get(name) ?? r[name])) && r.at >= since && r.at <= until;
      const records = query.get("direction") === "outbound" ? kept.filter(fits) : [];
      return jsonAnswer(200, {
        _links: { self: { href: `https://api.nexmo.com/v2/reports/records?${query}` } },
        request_id: randomUUID(),
        request_status: "SUCCESS",
        received_at: timeOf(indexedUntil),
        items_count: records.length,
        account_id: accountId,
        product: "SMS",
        direction: query.get("direction"),
        include_message: false,
        price: 0,
        currency: "EUR",
        records: records.map(({ at, ...record }) => ({
          account_id: accountId,
          ...record,
          direction: "outbound",
          network: "12345",
          country: "GB",
          date_received: timeOf(at),
          date_finalized: timeOf(at),
          status: "delivered",
          error_code: "0",
          error_code_description: "Delivered",
          currency: "EUR",
          total_price: "0.03330000",
        })),
      });
    },
  };
}

/** The name of the invalid parameter. */
function mistakeIn(query: URLSearchParams, accountId: string): string | undefined {
  if (query.get("account_id") !== accountId) return "account_id";
  if (query.get("product") !== "SMS") return "product";
  if (!["inbound", "outbound"].includes(query.get("direction") ?? "")) return "direction";
  return ["date_start", "date_end"].find((name) => query.has(name) && dateIn(query, name) === undefined);
}

function dateIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? "";
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$/.test(text) ? timeAt(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

const timeOf = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, "+0000");
