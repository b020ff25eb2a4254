/** What a call holds of the bytes under way. */
export interface Charged {
  /** Who calls; undefined: not known yet, or anybody. */
  callerKey: string | undefined;
  bytes: number;
  /** Until its request has arrived as a whole: only then it can give way. */
  readonly receiving: boolean;
  /** Ends the call to make room for others, once its bytes have been given back. */
  giveWay(): void;
}

/** The bytes of requests under way, by caller. */
export interface RequestShares {
  add(call: Charged): void;
  /** False if it was not there. */
  remove(call: Charged): boolean;
  /** The call is found to be that caller's. */
  assign(call: Charged, callerKey: string): void;
  /** Calls give way until the caller holds no more than is free; perhaps this one. */
  charge(call: Charged, bytes: number): void;
}

interface Held {
  bytes: number;
  readonly calls: Set<Charged>;
}

/**
 * A caller may hold no more than is free. So one alone uses half of the ceiling, two use a third each, and however much others hold, there is
 * room for whoever holds nothing. Beyond it the largest unfinished request gives way: one of whoever holds the most, else one of the caller's own.
 * Callers who are not known yet share as one.
 */
export function createRequestShares(bytesMax: number): RequestShares {
  const held = new Map<string | undefined, Held>();
  let total = 0;

  function add(call: Charged): void {
    const { callerKey, bytes } = call;
    const holder = held.get(callerKey) ?? { bytes: 0, calls: new Set() };
    held.set(callerKey, holder);
    holder.calls.add(call);
    holder.bytes += bytes;
    total += bytes;
  }

  function remove(call: Charged): boolean {
    const holder = held.get(call.callerKey);
    if (!holder?.calls.delete(call)) return false;
    holder.bytes -= call.bytes;
    total -= call.bytes;
    if (holder.calls.size === 0) held.delete(call.callerKey);
    return true;
  }

  /** Of the caller with the most bytes among those who hold more than this one and have something unfinished. */
  function largestOfLarger(than: Held): Charged | undefined {
    let most = than;
    let victim: Charged | undefined;
    for (const holder of held.values()) {
      const candidate = holder.bytes > most.bytes ? largestUnfinished(holder) : undefined;
      if (!candidate) continue;
      most = holder;
      victim = candidate;
    }
    return victim;
  }

  function settle(call: Charged): void {
    for (let holder = held.get(call.callerKey); holder?.calls.has(call) && holder.bytes > bytesMax - total; ) {
      const victim = largestOfLarger(holder) ?? largestUnfinished(holder, call) ?? call;
      remove(victim);
      victim.giveWay();
    }
  }

  return {
    add,
    remove,
    assign(call, callerKey) {
      if (call.callerKey === callerKey || !remove(call)) return;
      call.callerKey = callerKey;
      add(call);
      settle(call);
    },
    charge(call, bytes) {
      const holder = held.get(call.callerKey);
      if (!holder?.calls.has(call)) return;
      call.bytes += bytes;
      holder.bytes += bytes;
      total += bytes;
      settle(call);
    },
  };
}

/** @param largest unless another one is larger */
function largestUnfinished({ calls }: Held, largest?: Charged): Charged | undefined {
  for (const call of calls) if (call.receiving && call.bytes > (largest?.bytes ?? 0)) largest = call;
  return largest;
}
