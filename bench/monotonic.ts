/** CLOCK_MONOTONIC in us: the same clock in every process of the machine, unlike performance.now(). */
export const monotonicUs = (): number => OFFSET_US + performance.now() * 1_000;

const OFFSET_US = Number(process.hrtime.bigint()) / 1_000 - performance.now() * 1_000;
