/** 14:32:06, UTC. @param ms since the epoch */
export const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19);

/** 14:32:06.412, UTC. */
export const clockMs = (ms: number): string => new Date(ms).toISOString().slice(11, 23);

/** For <time datetime>. */
export const instant = (ms: number): string => new Date(ms).toISOString();

/** 36,242 */
export const counted = (count: number): string => count.toLocaleString("en");
