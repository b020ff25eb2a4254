import { isGsm7 } from "./sms.ts";

/** What a character outside the GSM alphabet is written as; "" where nothing of it is seen. */
const PLAIN: ReadonlyMap<string, string> = new Map(
  (
    [
      ["'", "\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u02b9\u02bb\u02bc\u0060\u00b4"],
      ['"', "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u02ba"],
      ["-", "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"],
      ["...", "\u2026"],
      [" ", "\u0009\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"],
      ["\n", "\u0085\u2028\u2029"],
      // Soft hyphen, zero-width space and joiners, word joiner, byte order mark.
      ["", "\u00ad\u200b\u200c\u200d\u2060\ufeff"],
    ] as const
  ).flatMap(([plain, characters]) => [...characters].map((character) => [character, plain] as const)),
);

/**
 * The text in the GSM alphabet, where plain quotes, dashes, dots and spaces for typographic ones are enough for that. Where letters or signs are left
 * that have no plain form, the text as it is: it would take as many segments. Letters are never replaced, because a name must stay the name it is.
 */
export function transliterate(text: string): string {
  if (isGsm7(text)) return text;
  // Composed, because the GSM alphabet has é as one letter, and no accents of their own.
  const plain = [...text.normalize("NFC")].map((character) => PLAIN.get(character) ?? character).join("");
  return isGsm7(plain) ? plain : text;
}
