/** The longest wait accepted from a provider, in ms: a day. */
const RETRY_AFTER_MS_MAX = 86_400_000;

/** ms to wait by a Retry-After header, in either form of RFC 9110 section 10.2.3; undefined where it has none or no sense. */
export function parseRetryAfter(header: unknown, now: number): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (typeof text !== "string") return undefined;
  const waitMs = /^\s*\d{1,9}\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX);
}
