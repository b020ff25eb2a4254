/**
 * ms since the epoch of an ISO 8601 time; NaN where there is no such moment. Date.parse alone would take 30 February for 2 March and 24:00 for the
 * next day.
 */
export function timeAt(text: string): number {
  const dayOfMonth = new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate();
  return dayOfMonth === Number(text.slice(8, 10)) && text.slice(11, 13) !== "24" ? Date.parse(text) : Number.NaN;
}
