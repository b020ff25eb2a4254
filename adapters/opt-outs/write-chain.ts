import { randomBytes } from "node:crypto";

/** How long a chain waits for its next write, in ms: longer than any step of a sweep or a rebuild. */
export const CHAIN_KEEP_MS = 60_000;

/**
 * Writes that count only if one server has all of them. Each is a script that checks the link which the write before it left, and replaces it. A
 * server that took over in between, even without a lost connection, either has every earlier write, or lacks the link.
 */
export interface WriteChain {
  readonly key: string;
  /** What the last write left. */
  link: string;
}

export const newChain = (name: string): WriteChain => ({ key: `carillon:chain:${name}`, link: newLink() });

const newLink = () => randomBytes(9).toString("base64url");

/** A write before this one is missing on the server that answered. */
export class ChainBrokenError extends Error {
  override name = "ChainBrokenError";
}

/** Runs the next write of a chain. Its script answers 0 where the link is not the expected one. */
export async function writeNext(chain: WriteChain, write: (expected: string, next: string) => Promise<unknown>): Promise<void> {
  const next = newLink();
  if ((await write(chain.link, next)) !== 1) throw new ChainBrokenError("a write before this one is missing: another server answers");
  chain.link = next;
}
