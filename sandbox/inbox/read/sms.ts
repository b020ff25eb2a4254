import type { LedgerEntry } from "../../kit/ledger.ts";
import { fieldsOf, listOf, textOf } from "../../kit/read.ts";
import { type SmsEncoding, segmented } from "../../kit/segments.ts";
import type { SmsSize } from "../view.ts";

export interface ReadSms {
  text: string;
  from: string;
  size: SmsSize;
}

/** GSM 03.38 and 3GPP TS 23.040: units of a message of one segment, of each of several, and bits of a unit. */
const UNITS = { "GSM-7": { whole: 160, part: 153, bits: 7 }, "UCS-2": { whole: 70, part: 67, bits: 16 } } as const;

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
  const { encodingName: encoding, segments, messageSize } = segmented(text, asked);
  const { whole, part, bits } = UNITS[encoding];
  return { segments: segments.length, encoding, units: messageSize / bits, perSegment: segments.length > 1 ? part : whole, pictures };
}
