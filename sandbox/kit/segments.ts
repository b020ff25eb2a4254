import calculator from "sms-segments-calculator";

export type SmsEncoding = "GSM-7" | "UCS-2" | "auto";

/** An SMS as it is cut into segments. GSM-7 forced on text outside GSM 03.38 loses those characters, as in the real network. */
export function segmented(text: string, encoding: SmsEncoding = "auto") {
  try {
    return new calculator.SegmentedMessage(text, encoding);
  } catch {
    return new calculator.SegmentedMessage(text.replace(/[^\n\r -~]/g, "?"), encoding);
  }
}

export const countSegments = (text: string, encoding?: SmsEncoding): number => segmented(text, encoding).segments.length;
