/**
 * How far the local time of a zone is ahead of UTC at an instant (ms since the epoch), in ms; negative west of Greenwich. Undefined: no such zone is
 * known. The zone is an IANA name. Cheap, so that it may be asked for each notification.
 */
export type OffsetAt = (timeZone: string, instant: number) => number | undefined;
