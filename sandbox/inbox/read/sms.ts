import calculator from "sms-segments-calculator";
import type { LedgerEntry } from "../../kit/ledger.ts";
import { fieldsOf, listOf, textOf } from "../../kit/read.ts";
import { countSegments, type SmsEncoding } from "../../kit/segments.ts";
import type { SmsSize } from "../view.ts";

export interface ReadSms {
  text: string;
  from: string;
  size: SmsSize;
}

/** GSM 03.38 and 3GPP TS 23.040: units of a message of one segment, and of each of several. */
const UNITS = { "GSM-7": { whole: 160, part: 153 }, "UCS-2": { whole: 70, part: 67 } } as const;
/** Of the extension table: two septets each. */
const EXTENDED = /[\f^{}\\[~\]|€]/g;

export function readTwilio({ payload }: LedgerEntry): ReadSms {
  const form = fieldsOf(payload);
  const media = Array.isArray(form.MediaUrl) ? form.MediaUrl : [form.MediaUrl].filter((url) => url !== undefined);
  const text = textOf(form.Body);
  return { text, from: textOf(form.From) || textOf(form.MessagingServiceSid), size: sizeOf(text, "auto", listOf(media).length) };
}

export function readVonage({ payload }: LedgerEntry): ReadSms {
  const fields = fieldsOf(payload);
  const text = textOf(fields.text);
  return { text, from: textOf(fields.from), size: sizeOf(text, fields.type === "unicode" ? "UCS-2" : "GSM-7", 0) };
}

function sizeOf(text: string, asked: SmsEncoding, pictures: number): SmsSize {
  const encoding = asked === "auto" ? encodingOf(text) : asked;
  const segments = countSegments(text, encoding);
  const units = encoding === "UCS-2" ? text.length : text.length + (text.match(EXTENDED)?.length ?? 0);
  return { segments, encoding, units, perSegment: UNITS[encoding][segments > 1 ? "part" : "whole"], pictures };
}

const encodingOf = (text: string) => new calculator.SegmentedMessage(text, "auto").encodingName;
