import { secondsFault } from "./grpc/timestamp-range.ts";

/** With seconds and a zone: a time without one would mean another moment on another machine. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
export const RFC_3339_RULE = "RFC 3339 with a zone and a date that exists, such as 2026-01-02T15:04:05Z";

/** ms since the epoch; undefined for any other text. */
export const parseMoment = (text: string): number | undefined => (RFC_3339.test(text) ? parseIsoTime(text) : undefined);

/**
 * ms since the epoch of an ISO 8601 date, or of a date with a time and a zone; undefined where there is no such moment. Date.parse alone would take
 * 30 February for 2 March and 24:00 for the next day. The caller has checked the form: Date.parse also reads others.
 */
export function parseIsoTime(text: string): number | undefined {
  const at = Date.parse(text);
  const midnight = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  const exists = midnight.getUTCDate() === Number(text.slice(8, 10)) && text.slice(11, 13) !== "24";
  return exists && isMoment(at) ? at : undefined;
}

/** Whether the contract can hold it: from the year 1 to 9999. @param at ms since the epoch, or NaN */
export const isMoment = (at: number): boolean => !Number.isNaN(at) && secondsFault(at / 1_000) === undefined;
