import { callError } from "../runtime/call-error.ts";

/** Bounds of what one call may expand to: a notification to a user is a delivery for each endpoint. Ten each for a full batch. */
export const CALL_DELIVERIES_MAX = 10_000;
export const CALL_BYTES_MAX = 16 * 1_024 ** 2;
/** Bytes of notifications being worked on in this process, all calls together. */
export const HELD_BYTES_MAX = 64 * 1_024 ** 2;
/** Bytes of one notification: half of the largest MongoDB document, because each attempt adds to it. */
export const NOTIFICATION_BYTES_MAX = 8 * 1_024 ** 2;
/** RetryInfo of a call that is rejected because too much is open or under way. */
const OVERLOAD_WAIT_MS = 1_000;

export const unreadable = callError("UNAVAILABLE", "UNAVAILABLE", "the store cannot be read; repeat with the same idempotency_key");

export const overloaded = () =>
  callError("RESOURCE_EXHAUSTED", "OVERLOADED", "more is accepted than can be sent; nothing was stored", {
    retryAfterMs: OVERLOAD_WAIT_MS,
  });

export const callTooLarge = callError(
  "RESOURCE_EXHAUSTED",
  "OVERLOADED",
  `the users of this call have too many endpoints together (at most ${CALL_DELIVERIES_MAX}, ${CALL_BYTES_MAX} bytes); send it in smaller batches`,
  { retryAfterMs: OVERLOAD_WAIT_MS },
);

export const tooLarge = callError(
  "FAILED_PRECONDITION",
  "NOTIFICATION_TOO_LARGE",
  `the notification and its recipient's endpoints take more than ${NOTIFICATION_BYTES_MAX} bytes`,
);
