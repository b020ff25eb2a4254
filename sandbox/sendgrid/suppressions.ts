import { jsonAnswer, type WireAnswer } from "../kit/simulator.ts";
import type { Suppressed, Suppressions } from "../kit/suppressions.ts";

/** SendGrid: "Suppressions". */
export const SENDGRID_LISTS = ["bounces", "invalid_emails", "spam_reports", "unsubscribes", "blocks"] as const;
const LIMIT_MAX = 500;

/** GET /v3/suppression/<list>: limit, offset, start_time and end_time (in s, both included). Undefined: there is no such list. */
export function suppressionPage(suppressions: Suppressions, list: string, query: URLSearchParams): WireAnswer | undefined {
  if (!SENDGRID_LISTS.some((known) => known === list)) return undefined;
  const number = (name: string, otherwise: number) => (query.has(name) ? Number(query.get(name)) : otherwise);
  const [limit, offset] = [number("limit", LIMIT_MAX), number("offset", 0)];
  const [from, until] = [number("start_time", 0), number("end_time", Number.POSITIVE_INFINITY)];
  const isWhole = [limit, offset].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (!isWhole || limit < 1 || limit > LIMIT_MAX || Number.isNaN(from) || Number.isNaN(until))
    return jsonAnswer(400, { errors: [{ field: "limit", message: `limit is from 1 to ${LIMIT_MAX}, offset from 0` }] });
  const all = suppressions.of(list).filter(({ at }) => Math.floor(at / 1_000) >= from && Math.floor(at / 1_000) <= until);
  return jsonAnswer(
    200,
    all.slice(offset, offset + limit).map((entry) => shown(list, entry)),
  );
}

function shown(list: string, { email, reason, at }: Suppressed) {
  const common = { created: Math.floor(at / 1_000), email };
  switch (list) {
    case "bounces":
    case "blocks":
      return { ...common, reason, status: /\d\.\d+\.\d+/.exec(reason)?.[0] ?? "" };
    case "invalid_emails":
      return { ...common, reason };
    case "spam_reports":
      return { ...common, ip: "192.0.2.1" };
    default:
      return common;
  }
}
