import type { SmsCommand } from "../../core/preferences/sms-words.ts";
import { poolsOf, type Sender } from "../sms-senders.ts";
import { type InboundText, PARTS_MAX, phoneNumberOf, type TextPart, textIdOf } from "../transport/inbound-text.ts";
import type { Fields, InboundTexts, WebhookSettings } from "../transport/webhook.ts";

/** What Vonage's texts have besides reading them, which is as with receipts. */
export const vonageTexts: Omit<InboundTexts, "read"> = {
  byGet: true,
  poolsOf: (text, settings) => poolsOf(accountOf(settings), text.to),
  reply: {
    textOf(command, settings) {
      const text = settings[REPLY_VARIABLES[command]];
      return typeof text === "string" && text !== "" ? text : undefined;
    },
    fault(settings) {
      const replying = Object.values(REPLY_VARIABLES).filter((name) => isSet(settings[name]));
      const missing = ["VONAGE_API_KEY", "VONAGE_API_SECRET_FILE"].filter((name) => !isSet(settings[name]));
      if (replying.length === 0 || missing.length === 0) return undefined;
      return `${missing.join(" and ")}: must be set, because ${replying[0]} is`;
    },
    load: async () => (await import("./reply.ts")).replyByVonage,
  },
};

const REPLY_VARIABLES: Readonly<Record<SmsCommand, string>> = {
  stop: "VONAGE_STOP_REPLY",
  start: "VONAGE_START_REPLY",
  help: "VONAGE_HELP_REPLY",
};
const isSet = (value: unknown): boolean => typeof value === "string" && value !== "";

/** SMS API: "Inbound SMS". Receipts have these fields, too, and a status; a text has the words, or is binary. */
export function readVonageText(fields: Fields): ReturnType<InboundTexts["read"]> {
  if (fields.status !== undefined || fields.msisdn === undefined || fields.type === undefined) return undefined;
  const [id, from] = [textIdOf(fields.messageId), phoneNumberOf(fields.msisdn)];
  if (id === "" || typeof fields.to !== "string" || fields.to === "") return "unreadable";
  if (from === undefined || typeof fields.text !== "string") return "ignored";
  const sentAt = timeOf(fields["message-timestamp"]);
  const text: InboundText = { id, from, to: [fields.to], text: fields.text, ...(sentAt !== undefined && { sentAt }) };
  if (wordOf(fields.concat) !== "true" || wordOf(fields["concat-total"]) === "1") return text;
  const part = partOf(fields);
  // What cannot be joined is no command, and a 400 would have Vonage repeat it for a day.
  return part === undefined ? "ignored" : { ...text, part };
}

/** In UTC, to the second: "2026-01-05 12:00:00". Undefined where it is no time. */
function timeOf(given: unknown): number | undefined {
  if (typeof given !== "string" || !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(given)) return undefined;
  const at = Date.parse(`${given.replace(" ", "T")}Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** JSON has some of these as they are. To read an object as text may throw. */
const wordOf = (value: unknown): string => (["string", "number", "boolean"].includes(typeof value) ? String(value) : "");

function partOf(fields: Fields): TextPart | undefined {
  const [ref, total, index] = [fields["concat-ref"], fields["concat-total"], fields["concat-part"]].map(wordOf);
  if (!/^[\w-]{1,40}$/.test(ref ?? "")) return undefined;
  const [parts, number] = [Number(total), Number(index)];
  const isWhole = Number.isSafeInteger(parts) && Number.isSafeInteger(number);
  return isWhole && number >= 1 && number <= parts && parts >= 2 && parts <= PARTS_MAX
    ? { ref: ref ?? "", total: parts, index: number }
    : undefined;
}

const accountOf = (settings: WebhookSettings) => ({
  defaultFrom: String(settings.VONAGE_FROM ?? ""),
  senders: (settings.VONAGE_SENDERS ?? []) as readonly Sender[],
});
