// The form of SQLite's log, a "WAL file" (sqlite.org/walformat.html and fileformat2.html, section 4).

export const LOG_HEADER_BYTES = 32;
export const FRAME_HEADER_BYTES = 24;
/** Its last bit says in which order the words are summed. */
const MAGIC = 0x377f0682;

/**
 * Checks one frame after the other, as recovery does. Undefined where there is no valid header, as in a log that nobody has written to.
 * @param header the first LOG_HEADER_BYTES of the file
 */
export function createFrameCheck(header: Uint8Array) {
  const view = viewOf(header);
  const [magic, pageBytes] = [view.getUint32(0), view.getUint32(8)];
  if ((magic & ~1) !== MAGIC) return undefined;
  const isLittleEndian = magic === MAGIC;
  const sums = new Uint32Array(2);
  const salts = [view.getUint32(16), view.getUint32(20)];
  const isNext = (of: DataView, at: number) => of.getUint32(at) === sums[0] && of.getUint32(at + 4) === sums[1];

  function add(of: DataView, from: number, until: number): void {
    let [first, second] = [sums[0]!, sums[1]!];
    for (let at = from; at < until; at += 8) {
      first = (first + of.getUint32(at, isLittleEndian) + second) >>> 0;
      second = (second + of.getUint32(at + 4, isLittleEndian) + first) >>> 0;
    }
    sums.set([first, second]);
  }

  add(view, 0, 24);
  if (!isNext(view, 24)) return undefined;
  return {
    pageBytes,
    /** How many of these whole frames, which follow those of the last call, are valid before the first that is not. */
    count(frames: Uint8Array): number {
      const of = viewOf(frames);
      const bytes = FRAME_HEADER_BYTES + pageBytes;
      for (let at = 0; at < frames.length; at += bytes) {
        if (of.getUint32(at + 8) !== salts[0] || of.getUint32(at + 12) !== salts[1]) return at / bytes;
        add(of, at, at + 8);
        add(of, at + FRAME_HEADER_BYTES, at + bytes);
        if (!isNext(of, at + 16)) return at / bytes;
      }
      return frames.length / bytes;
    },
  };
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
