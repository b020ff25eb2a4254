import { setTimeout as delay } from "node:timers/promises";

/** Long enough for a busy machine; a failing test fails after this. */
const EVENTUALLY_MS = 90_000;
const POLL_MS = 5;

/** Resolves when the condition holds; rejects with its name after EVENTUALLY_MS. */
export async function eventually(name: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + EVENTUALLY_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${EVENTUALLY_MS} ms: ${name}`);
    await delay(POLL_MS);
  }
}
