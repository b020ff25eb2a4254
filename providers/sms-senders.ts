import { SENDER_NAME, SMS_PREFIX } from "../core/apps/limits.ts";
import type { SmsContent } from "../core/content/sms-content.ts";
import { type Outcome, unsendable } from "../core/delivery/outcome.ts";
import type { Provider } from "../core/ports/provider.ts";
import type { Variable } from "../runtime/config.ts";

/** One entry of an account's senders. */
export interface Sender {
  /** "": it serves what names no sender. */
  name: string;
  /** Beginning of the numbers it serves; "": all. */
  prefix: string;
  /** What recipients see, or what the provider knows it by. */
  from: string;
}

/** Entries of one account: more than countries there are. */
const SENDERS_MAX = 500;

/** What senders look like at a provider. */
export interface SenderForm {
  holds(from: string): boolean;
  /** In words. */
  says: string;
}

/** The one default sender; empty: none. */
export const senderVariable = (form: SenderForm, reason: string): Variable<string> => ({
  ...{ type: form.says, default: "", reason },
  parse(text) {
    if (text !== "" && !form.holds(text)) throw new Error(`must be ${form.says}`);
    return text;
  },
});

/** name=sender, name@prefix=sender or @prefix=sender, commas between. */
export const sendersVariable = (form: SenderForm, reason: string): Variable<readonly Sender[]> => ({
  ...{ type: "list of name=sender, name@prefix=sender, @prefix=sender", default: "", reason },
  parse(text) {
    const entries = text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "");
    if (entries.length > SENDERS_MAX) throw new Error(`may hold ${SENDERS_MAX} entries`);
    const senders = entries.map((entry, i) => readEntry(entry, form, `entry ${i + 1}`));
    const keys = senders.map(keyOf);
    const twice = keys.findIndex((key, i) => keys.indexOf(key) < i);
    if (twice >= 0) throw new Error(`entry ${twice + 1} has the name and prefix of another`);
    return senders;
  },
});

function readEntry(entry: string, form: SenderForm, which: string): Sender {
  const [, key = "", from = ""] = /^([^=]*)=(.*)$/.exec(entry) ?? [];
  const [, name = "", prefix = ""] = /^([^@]*)(?:@(.*))?$/.exec(key.trim()) ?? [];
  if (name === "" && prefix === "") throw new Error(`${which} must be name=sender, name@prefix=sender or @prefix=sender`);
  if (name !== "" && !SENDER_NAME.test(name)) throw new Error(`${which} must have a name of a-z, 0-9, ., _ and -`);
  if (key.includes("@") && !SMS_PREFIX.test(prefix)) throw new Error(`${which} must have a prefix such as +49 after the @`);
  if (!form.holds(from.trim())) throw new Error(`${which} must have after the = ${form.says}`);
  return { name, prefix, from: from.trim() };
}

const keyOf = ({ name, prefix }: Pick<Sender, "name" | "prefix">) => (prefix === "" ? name : `${name}@${prefix}`);

export interface SmsAccount {
  defaultFrom: string;
  senders: readonly Sender[];
  /** What of a text this provider has nothing for from this sender, in one word that docs/reasons.md explains; undefined: it can send it. */
  lacks(sms: SmsContent, from: string): string | undefined;
}

/** `sender` is the entry's key, absent for the default sender. */
export type SmsRoute = { kind: "open"; from: string; sender?: string } | { kind: "barred"; reason: string };

/**
 * How an account sends a text: from the entry with its sender's name and the longest prefix of the number. A text that names no sender comes from the
 * default one where no entry without a name serves its number. One that names a sender comes from that one or not at all: another brand's name on it
 * would mislead.
 */
export function routeOf(
  { defaultFrom, senders, lacks }: SmsAccount,
  { endpoint, content }: Parameters<NonNullable<Provider["route"]>>[0],
): SmsRoute {
  const name = content.sms?.sender ?? "";
  const number = endpoint.channel === "sms" ? endpoint.phoneNumber : "";
  const [closest] = senders
    .filter((sender) => sender.name === name && number.startsWith(sender.prefix))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  if (closest === undefined && name !== "") return { kind: "barred", reason: "unknown-sender" };
  const from = closest?.from ?? defaultFrom;
  const lacking = content.sms && lacks(content.sms, from);
  if (lacking !== undefined) return { kind: "barred", reason: lacking };
  return { kind: "open", from, ...(closest === undefined ? {} : { sender: keyOf(closest) }) };
}

/** The outcome where none of the account's ways can send it. */
export const barred = ({ reason }: Extract<SmsRoute, { kind: "barred" }>): Outcome => unsendable(reason);

const withoutPlus = (sender: string) => sender.replace(/^\+/, "");

/**
 * The names of those of an account's senders that a text was written to; "" is the default one. Several may send from one number. Empty: it is none of
 * the account's, as far as this process is told.
 */
export function poolsOf({ defaultFrom, senders }: Pick<SmsAccount, "defaultFrom" | "senders">, to: readonly string[]): string[] {
  const all = [{ name: "", from: defaultFrom }, ...senders];
  const isMeant = (from: string) => from !== "" && to.some((name) => withoutPlus(name) === withoutPlus(from));
  return [...new Set(all.filter(({ from }) => isMeant(from)).map(({ name }) => name))];
}
