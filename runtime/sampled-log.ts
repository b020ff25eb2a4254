import type { Logger } from "./logger.ts";

/** Between two lines about the same reason, in ms: a flood of rejections must not become a flood of lines. */
export const SAMPLE_MS = 10_000;

/** @param reason one of a fixed few @param fields what the line shows, for example the peer's address; never a secret */
export type SampledLog<R extends string> = (reason: R, fields: Readonly<Record<string, unknown>>) => void;

/**
 * Logs a warning for the first event of each reason, then at most one in SAMPLE_MS, with how many were not logged in between. The whole number
 * is a metric's to count.
 */
export function createSampledLog<R extends string>(
  log: Pick<Logger, "warn">,
  message: string,
  monotonic: () => number = () => performance.now(),
): SampledLog<R> {
  const last = new Map<R, { at: number; unlogged: number }>();
  return (reason, fields) => {
    const known = last.get(reason);
    if (known !== undefined && monotonic() - known.at < SAMPLE_MS) {
      known.unlogged += 1;
      return;
    }
    last.set(reason, { at: monotonic(), unlogged: 0 });
    log.warn({ ...fields, reason, unlogged: known?.unlogged ?? 0 }, message);
  };
}
