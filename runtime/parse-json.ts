/** The value of a JSON text; undefined where it is not JSON, because a parser's message may quote a secret. */
export function parseJson(text: Uint8Array | string): unknown {
  // Many answers are empty, and an error with its stack takes several us.
  if (text.length === 0) return undefined;
  try {
    return JSON.parse(typeof text === "string" ? text : Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString());
  } catch {
    return undefined;
  }
}
