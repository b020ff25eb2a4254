import { readOutboxKey } from "../../core/delivery/outbox-key.ts";
import type { Surroundings } from "./ports.ts";
import type { SimulatedProcess } from "./process.ts";
import { createRelayRole, POLL_MS } from "./roles.ts";

/**
 * Runs a relay until its process dies. Polls that would find nothing to lease are left out, so call `dueAt` on the result with each due time that is set,
 * and with the time when queues have room again.
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
    // Another relay may have been first, or the time when something was due has changed.
    if ((firstToLease(around) ?? Number.POSITIVE_INFINITY) > process.clock.now()) return rest();
    const leased = await relay.iterate().then(
      ({ leased }) => leased,
      () => 1,
    );
    if (process.dead) return;
    if (leased === 0) return rest();
    iterating = false;
    iterateAt(time.now());
  }

  function rest(): void {
    iterating = false;
    const due = firstToLease(around);
    if (due !== undefined) dueAt(due);
  }

  /** Converts `due` to the moment when this process's clock shows it. */
  const dueAt = (due: number) => iterateAt(due + time.now() - process.clock.now());

  iterateAt(time.now());
  return { dueAt };
}

/**
 * When a relay may find something to lease, as things are now: what is due may wait for room in its queue. Whoever gives it room earlier wakes the
 * relays.
 */
function firstToLease({ store, stream }: Surroundings): number | undefined {
  const { firstDue, allDue } = store.notifications.inside;
  if (!stream.isFull()) return firstDue();
  const moments = allDue().map(({ due, place: { key, laterDue } }) => {
    const queues = readOutboxKey(key)?.queues ?? [];
    const waits = queues.length > 0 && queues.every(({ channel }) => stream.isFull(channel));
    return waits ? Math.max(due, laterDue) : due;
  });
  return moments.length > 0 ? Math.min(...moments) : undefined;
}
