import type { Clock } from "../../core/ports/clock.ts";
import type { LearnedKind } from "../../core/preferences/learned.ts";
import { textFieldsOf } from "../transport/foreign.ts";
import { createJsonHttp } from "../transport/json-http.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { type ListedSuppression, readPage, type SuppressionList } from "../transport/suppression-list.ts";
import { untilReset } from "./classify.ts";
import { type SendgridConfig, sendgridVariables } from "./config.ts";

/** SendGrid: "Suppressions". Blocks are not among them: they say nothing against the address, and SendGrid sends to it. */
const LISTS: readonly (readonly [path: string, kind: LearnedKind])[] = [
  ["bounces", "bounce"],
  ["invalid_emails", "bounce"],
  ["spam_reports", "complaint"],
  ["unsubscribes", "unsubscribe"],
];
/** Entries of a page, of 500 at most: with a server's answer in each they stay below ANSWER_BYTES_MAX. */
export const PAGE_ENTRIES = 500;
const ANSWER_BYTES_MAX = 4 * 1_048_576;

/** Needs the scope Suppressions, read access. Groups of unsubscriptions are not read: they have no counterpart here. */
export function createSendgridSuppressions(config: SendgridConfig, { clock }: { clock: Clock }): SuppressionList {
  const addressFilter = addressFilterFor(config.SENDGRID_ORIGIN, sendgridVariables.SENDGRID_ORIGIN, config.OUTBOUND_ALLOWED_ADDRESSES);
  const api = createJsonHttp({
    ...{ origin: config.SENDGRID_ORIGIN, ca: config.PROVIDER_CA_FILE, addressFilter, answerBytesMax: ANSWER_BYTES_MAX },
  });
  const authorization = `Bearer ${config.SENDGRID_API_KEY_FILE}`;
  const waitMsOf = ({ headers }: { headers: Parameters<typeof untilReset>[0]["headers"] }) => untilReset({ headers, now: clock.now() });
  return {
    async *pages(signal) {
      for (const [list, kind] of LISTS)
        for (let offset = 0; ; offset += PAGE_ENTRIES) {
          const path = `/v3/suppression/${list}?limit=${PAGE_ENTRIES}&offset=${offset}`;
          const call = (until: AbortSignal) => api.get(path, { authorization }, until);
          const entries = await readPage("SendGrid", call, { clock, signal, waitMsOf });
          yield entries.flatMap((entry) => listed(entry, list, kind));
          if (entries.length < PAGE_ENTRIES) break;
        }
    },
    gap: () => undefined,
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

function listed(entry: Record<string, unknown>, list: string, kind: LearnedKind): ListedSuppression[] {
  const field = textFieldsOf(entry);
  const { created } = entry;
  const at = typeof created === "number" && created > 0 ? created * 1_000 : undefined;
  return field("email") === "" ? [] : [{ address: field("email"), learned: { kind, reason: field("reason") || list }, at }];
}
