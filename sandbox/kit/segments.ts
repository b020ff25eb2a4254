import calculator from "sms-segments-calculator";

export type SmsEncoding = "GSM-7" | "UCS-2" | "auto";

/** The number of segments of an SMS. GSM-7 forced on text outside GSM 03.38 loses those characters, as in the real network. */
export function countSegments(text: string, encoding: SmsEncoding = "auto"): number {
  try {
    return new calculator.SegmentedMessage(text, encoding).segments.length;
  } catch {
    return new calculator.SegmentedMessage(text.replace(/[^\n\r -~]/g, "?"), encoding).segments.length;
  }
}
