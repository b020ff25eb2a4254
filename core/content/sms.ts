/** Parts of one text. Carriers drop and delay parts of longer texts, and each part is charged. Providers advise at most ten. */
export const SMS_SEGMENTS_MAX = 10;

export interface SmsSegments {
  encoding: "gsm7" | "ucs2";
  /** Parts, as sent, charged and rate-limited. */
  segments: number;
  /** Septets for gsm7, UTF-16 code units for ucs2; without the room left unused at the end of a part. */
  units: number;
}

/** 3GPP TS 23.038, 6.2.1: one septet each. */
const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
/** 3GPP TS 23.038, 6.2.1.1: an escape and a septet, which stay in one part. */
const EXTENDED = new Set("\f^{}\\[~]|€");

/** Capacity of a single text, and of each part of a longer one: 140 octets, minus six for the concatenation header (3GPP TS 23.040, 9.2.3.24). */
const ROOM = { gsm7: { alone: 160, part: 153 }, ucs2: { alone: 70, part: 67 } } as const;

/** Splits a text into SMS parts. One character outside GSM 03.38 makes the whole text UCS-2; no part ends within a character. */
export function smsSegments(text: string): SmsSegments {
  const encoding = isGsm7(text) ? "gsm7" : "ucs2";
  const room = ROOM[encoding];
  let units = 0;
  let segments = 0;
  let free = 0;
  for (const character of text) {
    const size = encoding === "ucs2" ? character.length : EXTENDED.has(character) ? 2 : 1;
    units += size;
    if (size > free) {
      segments++;
      free = room.part;
    }
    free -= size;
  }
  return { encoding, segments: units === 0 ? 0 : units <= room.alone ? 1 : segments, units };
}

/** Whether every character is in the GSM 7-bit default alphabet or its extension. */
export function isGsm7(text: string): boolean {
  for (const character of text) if (!BASIC.has(character) && !EXTENDED.has(character)) return false;
  return true;
}
