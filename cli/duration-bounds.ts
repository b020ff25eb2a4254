import { CONTENT_DAYS, METADATA_DAYS } from "../core/apps/retention.ts";
import { DAY_MS, EXPIRY_MAX_MS } from "../core/delivery/lifetime.ts";
import { KEY_LIFE_MS_MAX } from "../operations/apps/apps.ts";
import type { DurationBounds } from "./command.ts";

/** Bounds for a pause, for more time of a redrive, for an outage, and for following a notification. */
export const LIFETIME: DurationBounds = { max: EXPIRY_MAX_MS, because: "no notification lives longer" };
/** 0 is allowed: `tail --for 0s` prints what is there and ends. */
export const FOLLOWING: DurationBounds = { ...LIFETIME, min: 0 };
/** Of an outage that a system is planned for, or none. */
export const OUTAGE: DurationBounds = { ...LIFETIME, min: 0 };
export const KEY_LIFE: DurationBounds = { max: KEY_LIFE_MS_MAX, because: "a key and a secret live ten years at most" };
/** Of an earlier key or secret beside the new one, or none. */
export const OVERLAP: DurationBounds = { ...KEY_LIFE, min: 0 };
/** As the relay's variables have them: what it would refuse cannot be planned for. */
export const METADATA_RETENTION: DurationBounds = {
  min: METADATA_DAYS.min * DAY_MS,
  max: METADATA_DAYS.max * DAY_MS,
  because: "relays keep notifications for ten years at most",
};
export const CONTENT_RETENTION: DurationBounds = { ...METADATA_RETENTION, min: CONTENT_DAYS.min * DAY_MS };
/** A sandbox starts within seconds, a node that pulls its image first within minutes. */
export const SANDBOX_WAIT: DurationBounds = { max: 3_600_000, because: "a sandbox that does not answer by then will not" };
