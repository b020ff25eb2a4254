import type { SimulatedProcess } from "./process.ts";
import { createRelayRole, POLL_MS, type Surroundings } from "./roles.ts";

/**
 * Runs a relay until its process dies. Polls that would find nothing are left out, so call `dueAt` on the result with each due time that is set.
 */
export function runRelay(around: Surroundings, process: SimulatedProcess): { dueAt(due: number): void } {
  const { random, time } = around.simulation;
  const relay = createRelayRole(around, process);
  let nextAt = Number.POSITIVE_INFINITY;
  let iterating = false;

  function iterateAt(at: number): void {
    const rest = POLL_MS * (0.5 + random.next());
    const then = Math.ceil(Math.max(at, time.now() + rest));
    if (iterating || then >= nextAt) return;
    nextAt = then;
    time.after(then - time.now(), () => {
      if (nextAt === then) void iterate();
    });
  }

  async function iterate(): Promise<void> {
    iterating = true;
    nextAt = Number.POSITIVE_INFINITY;
    await process.awake();
    const leased = await relay.iterate().then(
      ({ leased }) => leased,
      () => 1,
    );
    if (process.dead) return;
    iterating = false;
    const due = around.store.notifications.inside.firstDue();
    if (leased > 0) iterateAt(time.now());
    else if (due !== undefined) dueAt(due);
  }

  /** Converts `due` to the moment when this process's clock shows it. */
  const dueAt = (due: number) => iterateAt(due + time.now() - process.clock.now());

  iterateAt(time.now());
  return { dueAt };
}
