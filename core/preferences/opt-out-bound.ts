/** An opt-out takes effect within this time of its confirmation, in ms. */
export const OPT_OUT_BOUND_MS = 5_000;

/**
 * What the bound is made of, in ms: how old an answer about opt-outs may be when the first byte of a send leaves. Each term is measured by one
 * process with its monotonic clock, so differences between machines' clocks do not count. There is no term for the way of the answer: its age
 * is counted from before the question.
 */
export const OPT_OUT_BOUND = {
  /** From the start of a sweep of the store to the last use of what it wrote to Redis; reads of the store itself are younger. */
  trustMs: 2_000,
  /** From the start of the read that filled an entry of the preferences service's cache to its last use. */
  cacheMs: 800,
  /**
   * From a dispatcher's question to the last look at the clock before the send's first byte; where more has passed, it is asked again. As long as a
   * question may take, so that a slow answer can still be used.
   */
  askToSendMs: 2_000,
  /** From that look to the first byte: a few instructions, and the kernel. */
  sendMs: 200,
} as const;
