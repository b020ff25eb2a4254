import { type Channel, CONTENT_PARTS } from "../delivery/channel.ts";
import type { ContentFault, NamedValue } from "./codec.ts";
import { type EmailWire, emailCodec } from "./email.ts";
import type { EmailContent } from "./email-content.ts";
import { type PushWire, pushCodec } from "./push-codec.ts";
import type { PushContent } from "./push-content.ts";
import { type SmsContent, type SmsWire, smsCodec } from "./sms-content.ts";

/** What to convey, for each kind of channel. */
export interface Content {
  push?: PushContent | undefined;
  sms?: SmsContent | undefined;
  email?: EmailContent | undefined;
}

/** carillon.v1.Content, as far as the codecs read it. */
export interface ContentWire {
  push: PushWire | undefined;
  sms: SmsWire | undefined;
  email: EmailWire | undefined;
}

export const contentFromProto = ({ push, sms, email }: ContentWire): Content => ({
  push: push && pushCodec.fromProto(push),
  sms: sms && smsCodec.fromProto(sms),
  email: email && emailCodec.fromProto(email),
});

export const contentToProto = ({ push, sms, email }: Content): ContentWire => ({
  push: push && pushCodec.toProto(push),
  sms: sms && smsCodec.toProto(sms),
  email: email && emailCodec.toProto(email),
});

/** The parts that are there, and the values of their fields. A part without any value differs from one that is absent. */
export const contentValues = (content: Content): NamedValue[] => [
  ["content", CONTENT_PARTS.filter((part) => content[part] !== undefined).join(",")],
  ...(content.push ? pushCodec.namedValues(content.push) : []),
  ...(content.sms ? smsCodec.namedValues(content.sms) : []),
  ...(content.email ? emailCodec.namedValues(content.email) : []),
];

/** What the .proto rules cannot express: reserved keys, and sizes that could never be sent. */
export const contentFaults = (content: Content, channels: readonly Channel[]): ContentFault[] => [
  ...(content.push ? pushCodec.faults(content.push, channels) : []),
  ...(content.sms ? smsCodec.faults(content.sms, channels) : []),
  ...(content.email ? emailCodec.faults(content.email, channels) : []),
];
