import type { Clock } from "../../core/ports/clock.ts";
import { textFieldsOf } from "../transport/foreign.ts";
import { createJsonHttp } from "../transport/json-http.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { type ListedSuppression, readPage, type SuppressionList } from "../transport/suppression-list.ts";
import { type MandrillConfig, mandrillVariables } from "./config.ts";
import { MANDRILL_LEARNED } from "./learned.ts";

/** "rejects/list": "returns up to 1000 results", and has no second page. */
export const LISTED_MAX = 1_000;
/** A thousand entries with a server's answer in each. */
const ANSWER_BYTES_MAX = 4 * 1_048_576;

/** Mailchimp Transactional's denylist. Soft bounces expire there within days, and what an operator put on it by hand stays theirs. */
export function createMandrillSuppressions(config: MandrillConfig, { clock }: { clock: Clock }): SuppressionList {
  const addressFilter = addressFilterFor(config.MANDRILL_ORIGIN, mandrillVariables.MANDRILL_ORIGIN, config.OUTBOUND_ALLOWED_ADDRESSES);
  const api = createJsonHttp({
    ...{ origin: config.MANDRILL_ORIGIN, ca: config.PROVIDER_CA_FILE, addressFilter, answerBytesMax: ANSWER_BYTES_MAX },
  });
  let read = 0;
  return {
    async *pages(signal) {
      const request = { key: config.MANDRILL_API_KEY_FILE, include_expired: false };
      const entries = await readPage("Mailchimp Transactional", (until) => api.post("/api/1.3/rejects/list", {}, request, until), {
        clock,
        signal,
      });
      read = entries.length;
      yield entries.flatMap(listed);
    },
    gap: () =>
      read < LISTED_MAX
        ? undefined
        : `Mailchimp Transactional shows ${LISTED_MAX} entries of its denylist at most, so that there may be more`,
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

function listed(entry: Record<string, unknown>): ListedSuppression[] {
  const field = textFieldsOf(entry);
  const why = field("reason");
  const kind = MANDRILL_LEARNED.get(why);
  if (kind === undefined || field("email") === "" || entry.expired === true) return [];
  // 2026-01-05 12:00:00, UTC.
  const at = Date.parse(`${field("created_at").replace(" ", "T")}Z`);
  return [{ address: field("email"), learned: { kind, reason: field("detail") || why }, at: Number.isNaN(at) ? undefined : at }];
}
