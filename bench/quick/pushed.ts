import { setTimeout as delay } from "node:timers/promises";
import type { PushStub } from "./push-stub.ts";

const POLL_MS = 5;

/**
 * Waits until the stub has answered this many pushes and nothing is left to record: a task leaves its stream once its outcome is stored. Rejects after the
 * limit. Resolves to performance.now() of when the last push was seen.
 * @param pollMs small where the time matters
 */
export async function awaitPushed(
  { stub, isEmpty }: { stub: Pick<PushStub, "taken">; isEmpty(): Promise<boolean> },
  { pushes, limitMs, pollMs = POLL_MS }: { pushes: number; limitMs: number; pollMs?: number },
): Promise<number> {
  const giveUpAt = performance.now() + limitMs;
  let pushedAt: number | undefined;
  for (;;) {
    const taken = await stub.taken();
    if (taken >= pushes) pushedAt ??= performance.now();
    if (pushedAt !== undefined && (await isEmpty())) return pushedAt;
    if (performance.now() > giveUpAt) throw new Error(`${taken} instead of ${pushes} pushes have arrived within ${limitMs} ms`);
    await delay(pollMs);
  }
}
