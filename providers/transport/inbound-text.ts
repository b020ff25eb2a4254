import type { SmsCommand } from "../../core/preferences/sms-words.ts";

/** A text that a person wrote to one of an account's senders. */
export interface InboundText {
  /** The provider's id of the text, or of this part of it: the same where the provider repeats the webhook. */
  id: string;
  /** The person's number, E.164 with the plus. */
  from: string;
  /** What the person wrote to, by each of its names: a number without the plus, the id of a group of senders. Never empty. */
  to: readonly string[];
  text: string;
  /** When it came to the provider, in ms since the epoch: the same in each repetition. Undefined: the provider does not say. */
  sentAt?: number | undefined;
  /** What the provider takes it for, where it says so. It has then answered the person. */
  command?: SmsCommand | undefined;
  /** Of a text that came in several parts. */
  part?: TextPart | undefined;
}

export interface TextPart {
  /** The same in each part of one text between the same two numbers. */
  ref: string;
  /** From 2. */
  total: number;
  /** From 1. */
  index: number;
}

/** Parts of one text: ten make 1,530 characters, which is more than phones send. */
export const PARTS_MAX = 10;

/** A person's number in E.164: providers may leave out the plus. Undefined where it is none, as a short code or a name. */
export const phoneNumberOf = (given: unknown): string | undefined => {
  const digits = typeof given === "string" ? given.replace(/^\+/, "") : "";
  return /^[1-9]\d{6,14}$/.test(digits) ? `+${digits}` : undefined;
};

/** An id as providers give it; "" where it is none. It is kept as evidence. */
export const textIdOf = (given: unknown): string => (typeof given === "string" && /^[\w-]{1,64}$/.test(given) ? given : "");
