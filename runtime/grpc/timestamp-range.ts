// What google.protobuf.Timestamp allows.

const NANOS_MAX = 999_999_999;
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, as google.protobuf.Timestamp says. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

export function secondsFault(seconds: number): string | undefined {
  if (seconds > SECONDS_MAX) return "must be before the year 10000; is it in milliseconds or nanoseconds?";
  return seconds < SECONDS_MIN ? "must not be before the year 1" : undefined;
}

export const nanosFault = (nanos: number): string | undefined =>
  nanos < 0 || nanos > NANOS_MAX ? `its nanos must be 0 to ${NANOS_MAX}` : undefined;
