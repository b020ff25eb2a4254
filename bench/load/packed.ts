// Arrays of numbers between processes: a million of them as JSON would take seconds.

export const pack = (numbers: Uint8Array | Uint32Array): string =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString("base64");

export function unpack8(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "base64"));
}

export function unpack32(text: string): Uint32Array {
  // A buffer of its own, as one from the pool need not begin at a multiple of 4.
  return new Uint32Array(unpack8(text).buffer);
}
