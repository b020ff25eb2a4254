import type { SeededRandom } from "../simulation/random.ts";

/** Bytes that parsers of numbers and lengths treat in a special way. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x25, 0x26, 0x2e, 0x3a, 0x3d, 0x40, 0x5c];
/** Longer inputs only cost time. */
export const INPUT_BYTES_MAX = 4_096;

/** One to four changes of `input`: bytes changed, inserted, removed, repeated, taken from `other` or from the dictionary. */
export function mutate(input: Buffer, other: Buffer, dictionary: readonly Buffer[], random: SeededRandom): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let changes = 1 + random.below(4); changes > 0; changes--) bytes = change(bytes, other, dictionary, random);
  return bytes.subarray(0, INPUT_BYTES_MAX);
}

function change(bytes: Buffer, other: Buffer, dictionary: readonly Buffer[], random: SeededRandom): Buffer {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random.below(16));
  const replaced = (by: Uint8Array, to = at) => Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(to)]);
  switch (random.below(8)) {
    case 0:
      return replaced(Buffer.of(random.below(256)), at + 1);
    case 1:
      return replaced(Buffer.of(random.pick(EDGES)), at + 1);
    case 2:
      return replaced(Buffer.of((bytes[at] ?? 0) ^ (1 << random.below(8))), at + 1);
    case 3:
      return replaced(Buffer.from(Array.from({ length: 1 + random.below(8) }, () => random.below(256))));
    case 4:
      return replaced(Buffer.alloc(0), end);
    case 5:
      return replaced(Buffer.concat(Array.from({ length: 1 + random.below(8) }, () => bytes.subarray(at, end))));
    case 6: {
      const from = random.below(other.length + 1);
      return replaced(other.subarray(from, from + 1 + random.below(32)), random.chance(0.5) ? end : at);
    }
    default:
      return replaced(dictionary.length > 0 ? random.pick(dictionary) : Buffer.of(random.below(256)), random.chance(0.5) ? end : at);
  }
}
