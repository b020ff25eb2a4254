import { type Fields, fieldsOf, listOf, textOf } from "../kit/read.ts";

/** Messages that can be queried; the oldest are dropped. */
const MESSAGES_MAX = 10_000;
const LIMIT_MAX = 1_000;

interface KeptMail {
  args: Fields;
  /** ms since the epoch. */
  at: number;
  shown: { from_email: string; msg_id: string; subject: string; to_email: string };
}

/** SendGrid: "Email Activity Feed: Filter all messages", one message per recipient. */
export function createSendgridActivity() {
  const kept: KeptMail[] = [];
  return {
    /** @param at ms since the epoch */
    add(mail: unknown, messageId: string, at: number) {
      const { from, subject, personalizations, custom_args } = fieldsOf(mail);
      for (const [n, personalization] of listOf(personalizations).entries()) {
        const { to, custom_args: own } = fieldsOf(personalization);
        for (const recipient of listOf(to))
          kept.push({
            args: { ...fieldsOf(custom_args), ...fieldsOf(own) },
            at,
            shown: {
              from_email: textOf(fieldsOf(from).email),
              msg_id: `${messageId}.recvd-5c8f7d9b6-x2k9p-1-${n}`,
              subject: textOf(subject),
              to_email: textOf(fieldsOf(recipient).email),
            },
          });
      }
      if (kept.length > MESSAGES_MAX) kept.splice(0, kept.length - MESSAGES_MAX);
    },
    /**
     * Conditions field="value" and unique_args['name']="value", joined by AND; newest first. Undefined where the query is invalid.
     * @param indexedUntil ms since the epoch
     */
    filter(request: URLSearchParams, indexedUntil: number): Fields[] | undefined {
      const limit = Math.min(Number(request.get("limit")) || 10, LIMIT_MAX);
      const conditions = (request.get("query") ?? "").split(/\s+AND\s+/).filter((text) => text !== "");
      const tests = conditions.map(parseCondition);
      if (tests.some((test) => test === undefined)) return undefined;
      return kept
        .filter((mail) => mail.at <= indexedUntil && tests.every((test) => test?.(mail)))
        .reverse()
        .slice(0, limit)
        .map(({ shown, at }) => ({
          ...shown,
          status: "processed",
          opens_count: 0,
          clicks_count: 0,
          last_event_time: new Date(at).toISOString().replace(/\.\d+Z$/, "Z"),
        }));
    },
  };
}

function parseCondition(text: string): ((mail: KeptMail) => boolean) | undefined {
  const [, name, value] = /^\(?unique_args\['([^']+)'\]\s*=\s*"([^"]*)"\)?$/.exec(text) ?? [];
  if (name !== undefined) return ({ args }) => textOf(args[name]) === value;
  const [, field, wanted] = /^\(?(from_email|msg_id|subject|to_email)\s*=\s*"([^"]*)"\)?$/.exec(text) ?? [];
  return field === undefined ? undefined : ({ shown }) => shown[field as keyof typeof shown] === wanted;
}
