import type { Row } from "./row.ts";
import { APP_ROWS } from "./rows-apps.ts";
import { BACKLOG_ROWS } from "./rows-backlog.ts";
import { CONTENT_ROWS } from "./rows-content.ts";
import { CRASH_ROWS } from "./rows-crash.ts";
import { EVERYTHING_ROWS } from "./rows-everything.ts";
import { FEEDBACK_ROWS } from "./rows-feedback.ts";
import { NATS_ROWS } from "./rows-nats.ts";
import { OPT_OUT_ROWS } from "./rows-optouts.ts";
import { OUTAGE_ROWS } from "./rows-outages.ts";
import { PROCESS_ROWS } from "./rows-processes.ts";
import { PROVIDER_ROWS } from "./rows-providers.ts";
import { REDIS_ROWS } from "./rows-redis.ts";
import { STEERING_ROWS } from "./rows-steering.ts";
import { STORE_ROWS } from "./rows-store.ts";

/** In the order they run. */
export const ALL_ROWS: readonly Row[] = [
  ...PROCESS_ROWS,
  ...CRASH_ROWS,
  ...NATS_ROWS,
  ...REDIS_ROWS,
  ...OPT_OUT_ROWS,
  ...STORE_ROWS,
  ...PROVIDER_ROWS,
  ...OUTAGE_ROWS,
  ...FEEDBACK_ROWS,
  ...CONTENT_ROWS,
  ...APP_ROWS,
  ...BACKLOG_ROWS,
  ...STEERING_ROWS,
  ...EVERYTHING_ROWS,
];
