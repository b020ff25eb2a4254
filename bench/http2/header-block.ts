/** A header block of literals (HPACK, RFC 7541), for a caller whose every request has the same headers. */
export interface RepeatedHeaders {
  /** Of the first request: the literals enter the peer's table. */
  first: Buffer;
  /** Of every later one: one byte a header, which names its place in that table. */
  later: Buffer;
  /** As `later`, with another value of one header. Does not change the table. */
  laterWith(name: string, value: string): Buffer;
}

/** Index of the entry added last. */
const DYNAMIC_FIRST = 62;
const LENGTH_MAX = 126;
/** Largest index of a literal's name in the four bits of its first byte. */
const NAME_INDEX_MAX = 15;

/** Throws RangeError for a name or value of more than 126 bytes: a length has one byte here. */
export function repeatedHeaders(headers: readonly (readonly [name: string, value: string])[]): RepeatedHeaders {
  const text = (s: string) => {
    const bytes = Buffer.from(s);
    if (bytes.length > LENGTH_MAX) throw new RangeError(`a header of ${bytes.length} bytes; at most ${LENGTH_MAX}`);
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  };
  // The first header has the highest index, as the last one entered the table last.
  const indexOf = (i: number) => DYNAMIC_FIRST + headers.length - 1 - i;
  // Section 6.1: indexed.
  const later = Buffer.from(headers.map((_, i) => 0x80 | indexOf(i)));
  return {
    // Section 6.2.1: literal with incremental indexing, new name.
    first: Buffer.concat(headers.flatMap(([name, value]) => [Buffer.of(0x40), text(name), text(value)])),
    later,
    laterWith(name, value) {
      const at = headers.findIndex((header) => header[0] === name);
      if (at < 0) throw new RangeError(`no header is called ${name}`);
      // Section 6.2.2: literal without indexing, indexed name.
      const literal = [Buffer.of(NAME_INDEX_MAX, indexOf(at) - NAME_INDEX_MAX), text(value)];
      return Buffer.concat([later.subarray(0, at), later.subarray(at + 1), ...literal]);
    },
  };
}
