/** Bodies read or handled at once by one listener. */
const BODIES_MAX = 256;
/** Bytes of them in memory at once: 32 bodies of the largest size, a sixteenth of the smallest pod's memory. */
const BODY_BYTES_MAX = 32 * 1_048_576;

/** One body's share of the memory for bodies. */
export interface BodySlot {
  /** Counts bytes that have arrived. This body itself may be evicted by them. */
  grow(bytes: number): void;
  /** The body is complete and is not evicted any more. */
  whole(): void;
  release(): void;
}

/**
 * Bounds bodies in memory, by number and bytes. When there is no room, the body that has been read for longest is evicted: a provider's arrives within
 * milliseconds, so senders of slow bodies lose their own slots and cannot keep others out.
 */
export interface BodySlots {
  /** @param onEvicted called at most once; the slot is released by then. Undefined: every slot holds a complete body that is being handled. */
  take(onEvicted: () => void): BodySlot | undefined;
}

export function createBodySlots({ bodiesMax = BODIES_MAX, bytesMax = BODY_BYTES_MAX } = {}): BodySlots {
  interface Slot {
    bytes: number;
    onEvicted: () => void;
  }
  /** Being read, the longest first. */
  const read = new Set<Slot>();
  const handled = new Set<Slot>();
  let total = 0;
  const release = (slot: Slot) => {
    if (read.delete(slot) || handled.delete(slot)) total -= slot.bytes;
  };
  /** Whether there was one. */
  const evictOldest = () => {
    const [oldest] = read;
    if (oldest === undefined) return false;
    release(oldest);
    oldest.onEvicted();
    return true;
  };
  return {
    take(onEvicted) {
      if (read.size + handled.size >= bodiesMax && !evictOldest()) return undefined;
      const slot: Slot = { bytes: 0, onEvicted };
      read.add(slot);
      return {
        grow(bytes) {
          if (!read.has(slot)) return;
          slot.bytes += bytes;
          total += bytes;
          while (total > bytesMax && evictOldest());
        },
        whole() {
          if (read.delete(slot)) handled.add(slot);
        },
        release: () => release(slot),
      };
    },
  };
}
