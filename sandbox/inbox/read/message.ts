import { countRemote, seenText } from "../../../web/server/mail-frame.ts";
import type { LedgerEntry } from "../../kit/ledger.ts";
import { fieldsOf, textOf } from "../../kit/read.ts";
import { orderedWords } from "../fault-buttons.ts";
import type { Message, Summary } from "../view.ts";
import { type ReadEmail, readMandrill, readSendgrid, readSmtp } from "./email.ts";
import { type ReadPush, readApns, readFcm, readWebPush } from "./push.ts";
import { type ReadSms, readTwilio, readVonage } from "./sms.ts";

type Read =
  | { channel: "push"; device: "ios" | "android" | "browser"; read(entry: LedgerEntry): ReadPush }
  | { channel: "sms"; device: "phone"; read(entry: LedgerEntry): ReadSms }
  | { channel: "email"; device: "mailbox"; read(entry: LedgerEntry): ReadEmail };

/** By provider, in the order in which the page offers them. */
export const READERS: Readonly<Record<string, Read>> = {
  sendgrid: { channel: "email", device: "mailbox", read: readSendgrid },
  mandrill: { channel: "email", device: "mailbox", read: readMandrill },
  smtp: { channel: "email", device: "mailbox", read: readSmtp },
  twilio: { channel: "sms", device: "phone", read: readTwilio },
  vonage: { channel: "sms", device: "phone", read: readVonage },
  apns: { channel: "push", device: "ios", read: readApns },
  fcm: { channel: "push", device: "android", read: readFcm },
  webpush: { channel: "push", device: "browser", read: readWebPush },
};

/** Characters of a mail's text in a list. */
const CLIP_CHARACTERS = 200;
/** Characters of the raw request that are shown: files in base64 make it long. */
const RAW_CHARACTERS_MAX = 100_000;
/** Characters of a token's end that a line shows. */
const TOKEN_END = 4;

/** What a list shows of an entry; undefined where its provider is none of READERS. */
export function summaryOf(id: number, entry: LedgerEntry): Summary | undefined {
  const by = READERS[entry.provider];
  if (by === undefined) return undefined;
  const { provider, recipient, accepted, answer, fault, receivedAt } = entry;
  const { channel, device } = by;
  const base = { id, channel, device, provider, to: recipient, toShort: shortened(by, recipient) };
  const arrived = { arrivedAt: receivedAt, accepted, answer, fault: fault && orderedWords(provider, fault) };
  if (by.channel === "push") {
    const { title, body, ...push } = by.read(entry);
    return { ...base, ...arrived, title, body, push };
  }
  if (by.channel === "sms") {
    const { text, size } = by.read(entry);
    return { ...base, ...arrived, title: "", body: text, sms: size };
  }
  const { subject, text, html } = by.read(entry);
  return { ...base, ...arrived, title: subject, body: clip(text || seenText(html, 2 * CLIP_CHARACTERS)) };
}

/** Everything that an entry says, beside its summary. */
export function messageOf(summary: Summary, entry: LedgerEntry): Message {
  const { deliveryId, attemptId } = entry;
  const [raw, rawCut] = rawOf(entry);
  const requestHeaders = Object.entries(entry.headers).map(([name, value]) => ({ name, value }));
  const empty = { from: "", cc: [], bcc: [], html: "", text: "", attachments: [], headers: requestHeaders, remote: 0 };
  const common = { ...summary, ...empty, deliveryId, attemptId, raw, rawCut };
  const by = READERS[entry.provider];
  if (by === undefined || by.channel === "push") return common;
  if (by.channel === "sms") {
    const { from, text } = by.read(entry);
    return { ...common, from, text };
  }
  const { subject: _subject, attachments, ...mail } = by.read(entry);
  return {
    ...common,
    ...mail,
    attachments: attachments.map(({ filename, type, inline, content }) => {
      return { filename, type, inline, bytes: Buffer.byteLength(content, "base64") };
    }),
    oneClickUrl: oneClickIn(mail.headers),
    remote: countRemote(mail.html),
  };
}

/** A mail, with its files; undefined where it is none. */
export function emailOf(entry: LedgerEntry): ReadEmail | undefined {
  const by = READERS[entry.provider];
  return by?.channel === "email" ? by.read(entry) : undefined;
}

function shortened({ channel, device }: Read, to: string): string {
  if (device === "browser") return to.slice(to.lastIndexOf("/") + 1);
  return channel === "push" && to.length > TOKEN_END ? `…${to.slice(-TOKEN_END)}` : to;
}

const clip = (text: string) => text.replace(/\s+/g, " ").trim().slice(0, CLIP_CHARACTERS);

function rawOf({ request, headers, payload }: LedgerEntry): [raw: string, cut: boolean] {
  const raw = textOf(fieldsOf(payload).raw);
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const text = raw || [...(request === undefined ? [] : [request]), ...head, "", JSON.stringify(payload, undefined, 2) ?? ""].join("\n");
  return [text.slice(0, RAW_CHARACTERS_MAX), text.length > RAW_CHARACTERS_MAX];
}

/** The URL of a mail's one-click unsubscription; undefined where it offers none. */
export const oneClickOf = (entry: LedgerEntry): string | undefined => oneClickIn(emailOf(entry)?.headers ?? []);

/** RFC 8058: the URL, where both headers are there. */
function oneClickIn(headers: ReadEmail["headers"]): string | undefined {
  const value = (name: string) => headers.find((header) => header.name.toLowerCase() === name)?.value ?? "";
  if (!/^\s*List-Unsubscribe=One-Click\s*$/i.test(value("list-unsubscribe-post"))) return undefined;
  return /<(https?:[^>]+)>/i.exec(value("list-unsubscribe"))?.[1];
}
