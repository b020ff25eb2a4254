import type { SmsCommand } from "../../core/preferences/sms-words.ts";
import { poolsOf, type Sender } from "../sms-senders.ts";
import { type InboundText, phoneNumberOf, textIdOf } from "../transport/inbound-text.ts";
import { type InboundTexts, parseForm, sortedFields, type WebhookSettings } from "../transport/webhook.ts";

/** Twilio: "Advanced Opt-Out": what Twilio took the text for. Without that product there is no such parameter, also where Twilio keeps the opt-out. */
const COMMANDS: ReadonlyMap<string, SmsCommand> = new Map([
  ["STOP", "stop"],
  ["START", "start"],
  ["HELP", "help"],
]);
/** The parameter that says who wrote, with the beginning of its value. */
const SENDER = /From\+?\d/g;

/** Twilio's webhook for incoming messages ("Messaging webhooks: incoming message"). A status callback has no body, and names an attempt in its query. */
export const twilioTexts: InboundTexts = {
  byGet: false,
  read({ body, query }) {
    const form = parseForm(body);
    if (form === undefined || !isText(form) || query.has("attempt")) return undefined;
    const [id, from, to] = [textIdOf(form.get("MessageSid")), phoneNumberOf(form.get("From")), form.get("To") ?? ""];
    if (id === "" || to === "") return "unreadable";
    // Of a short code, a name, or a sender that cannot be told: nobody's text.
    if (from === undefined || !hasOneSender(form)) return "ignored";
    const service = form.get("MessagingServiceSid");
    const command = COMMANDS.get(form.get("OptOutType") ?? "");
    const text: InboundText = { id, from, to: service ? [to, service] : [to], text: form.get("Body") ?? "" };
    return command === undefined ? text : { ...text, command };
  },
  poolsOf: (text, settings) => poolsOf(accountOf(settings), text.to),
  answer(command, settings) {
    const text = command === "stop" ? settings.TWILIO_STOP_REPLY : command === "help" ? settings.TWILIO_HELP_REPLY : "";
    return typeof text === "string" && text !== "" ? `<Response><Message>${escapeXml(text)}</Message></Response>` : undefined;
  },
};

/** Whether a form is a person's text. */
export const isText = (form: URLSearchParams): boolean => form.has("Body") && form.has("From") && !form.has("MessageStatus");

/**
 * Whether the signed text, the sorted names and values without a mark between, names one sender only. The message before it is foreign: whoever could
 * see one webhook could otherwise make another of it, from a number that stands in the message. What is read besides comes after the sender.
 */
const hasOneSender = (form: URLSearchParams): boolean => (sortedFields(form).match(SENDER) ?? []).length === 1;

const accountOf = (settings: WebhookSettings) => ({
  defaultFrom: String(settings.TWILIO_FROM ?? ""),
  senders: (settings.TWILIO_SENDERS ?? []) as readonly Sender[],
});

const escapeXml = (text: string) => text.replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character] ?? "");
