import { CONTENT_DAYS, METADATA_DAYS, type Retention, readDays, retentionOfDays } from "../../core/apps/retention.ts";
import type { NotificationClass } from "../../core/delivery/channel.ts";
import { DAY_MS } from "../../core/delivery/lifetime.ts";
import { integer, type Values, type Variable } from "../../runtime/config.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

type Days = Record<NotificationClass, number>;

const days = (bounds: { min: number; max: number; default: number }, reason: string): Variable<Days> => ({
  type: `days from ${bounds.min} to ${bounds.max}, and others by class: 30,critical=7`,
  default: String(bounds.default),
  unit: "days",
  reason,
  parse: (text) => readDays(text, bounds),
});

export const retentionVariables = {
  RETENTION_CONTENT_DAYS: days(
    CONTENT_DAYS,
    "how long a content is kept after its notification ended; what failed can be redriven only until then. An app may have others (`carillon app limits set`)",
  ),
  RETENTION_METADATA_DAYS: days(
    METADATA_DAYS,
    "the same for notifications and their attempts, and so for idempotency keys, which hold at least 35 days",
  ),
  RETENTION_HISTORY_DAYS: integer(0, 36_500, {
    default: "0",
    unit: "days",
    reason: "how long changes of preferences are kept, which prove consents and opt-outs; 0: for ever. The choices themselves stay",
  }),
};

/** In ms; undefined: it is kept. */
export const readHistoryRetention = ({ RETENTION_HISTORY_DAYS: days }: Values<typeof retentionVariables>) =>
  days === 0 ? undefined : days * DAY_MS;

/** Throws an OperatorError where a content would be kept longer than its notification, which has it. */
export function readRetention({
  RETENTION_CONTENT_DAYS: content,
  RETENTION_METADATA_DAYS: metadata,
}: Values<typeof retentionVariables>): Retention {
  const longer = (Object.keys(content) as NotificationClass[]).filter((c) => content[c] > metadata[c]);
  if (longer.length > 0)
    throw new OperatorError(
      `RETENTION_CONTENT_DAYS is above RETENTION_METADATA_DAYS for ${longer.join(", ")}: a content is removed with its notification. Lower the former or raise the latter`,
    );
  return retentionOfDays(content, metadata);
}
