/** Added to a call's deadline for a provider to report its outcome, in ms; far below the relay's CLOCK_SKEW_MS. */
export const ADAPTER_GRACE_MS = 2_000;
/** How long a dispatcher retries writing an outcome while the store is unavailable, in ms. After that the outcome is unknown. */
export const RECORD_MS = 30_000;
