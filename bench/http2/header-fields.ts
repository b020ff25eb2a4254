/**
 * Reads a header block (HPACK, RFC 7541) of a peer that was told to keep no table (SETTINGS_HEADER_TABLE_SIZE 0): what is in it are entries of the
 * static table and literals. Names of the static table are returned as "#index", as nobody here asks for them. Throws RangeError for anything else.
 */
export function readHeaderFields(block: Buffer): Map<string, string> {
  const fields = new Map<string, string>();
  let at = 0;
  const integer = (prefixBits: number): number => {
    const max = 2 ** prefixBits - 1;
    let value = block[at++]! & max;
    if (value < max) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = block[at++];
      if (byte === undefined) throw new RangeError("a header block that ends within a number");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const text = (): string => {
    const isHuffman = (block[at] ?? 0) >= 0x80;
    const length = integer(7);
    if (at + length > block.length) throw new RangeError("a header block that ends within a text");
    const bytes = block.subarray(at, at + length);
    at += length;
    return isHuffman ? huffmanText(bytes) : bytes.toString("latin1");
  };
  while (at < block.length) {
    const first = block[at]!;
    if (first >= 0x80) fields.set(`#${staticIndex(integer(7))}`, "");
    // A new size of the table.
    else if (first >= 0x20 && first < 0x40) integer(5);
    else {
      const index = integer(first >= 0x40 ? 6 : 4);
      const name = index === 0 ? text() : `#${staticIndex(index)}`;
      fields.set(name, text());
    }
  }
  return fields;
}

const STATIC_ENTRIES = 61;

function staticIndex(index: number): number {
  if (index === 0 || index > STATIC_ENTRIES) throw new RangeError(`entry ${index} of a table that has none`);
  return index;
}

/**
 * The code of RFC 7541, appendix B, as far as ASCII text needs it: the characters of each length in bits, in the order of their codes. The code is
 * canonical, so a code follows from the one before it.
 */
const CHARACTERS: Readonly<Record<number, string>> = {
  5: "012aceiost",
  6: " %-./3456789=A_bdfghlmnpru",
  7: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
  8: "&*,;XZ",
  10: '!"()?',
  11: "'+|",
  12: "#>",
  13: "\0$@[]~",
  14: "^}",
  15: "<`{",
  19: "\\",
};
const BITS_MAX = 19;

/** By length: the first code, and the characters. */
const codes: readonly { first: number; characters: string }[] = (() => {
  let next = 0;
  return Array.from({ length: BITS_MAX + 1 }, (_, bits) => {
    const characters = CHARACTERS[bits] ?? "";
    next *= 2;
    const first = next;
    next += characters.length;
    return { first, characters };
  });
})();

function huffmanText(bytes: Buffer): string {
  let [text, code, bits] = ["", 0, 0];
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      if (++bits > BITS_MAX) throw new RangeError("a text that is not ASCII");
      const { first, characters } = codes[bits]!;
      const character = characters[code - first];
      if (character === undefined) continue;
      text += character;
      [code, bits] = [0, 0];
    }
  // What is left are fewer than 8 ones, the padding.
  return text;
}
