/** With seconds and a zone: a time without one would mean another moment on another machine. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
export const RFC_3339_RULE = "RFC 3339 with a zone, such as 2026-01-02T15:04:05Z";

/** ms since the epoch; undefined for any other text. */
export function parseMoment(text: string): number | undefined {
  const time = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
