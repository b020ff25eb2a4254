/** Bodies read or handled at once by one listener. */
const BODIES_MAX = 256;
/** Bytes of them in memory at once: 32 bodies of the largest size, a sixteenth of the smallest pod's memory. */
const BODY_BYTES_MAX = 32 * 1_048_576;

/** One body's share of the memory for bodies. */
export interface BodySlot {
  /** Reserves memory for bytes that have arrived. May make this very body give way. */
  grow(bytes: number): void;
  /** The body is whole: it gives way no more. */
  whole(): void;
  release(): void;
}

/**
 * Bounds bodies in memory, by number and bytes. When there is no room, the body that has been read for longest gives way: honest bodies arrive
 * within milliseconds, so slow ones lose their own slots and cannot keep others out.
 */
export interface BodySlots {
  /** @param giveWay called at most once; the slot is released by then. Undefined: every slot holds a whole body that is being handled. */
  take(giveWay: () => void): BodySlot | undefined;
}

export function createBodySlots({ bodiesMax = BODIES_MAX, bytesMax = BODY_BYTES_MAX } = {}): BodySlots {
  interface Slot {
    bytes: number;
    giveWay: () => void;
  }
  /** Being read, the longest first. */
  const read = new Set<Slot>();
  const handled = new Set<Slot>();
  let total = 0;
  const release = (slot: Slot) => {
    if (read.delete(slot) || handled.delete(slot)) total -= slot.bytes;
  };
  /** Whether there was one. */
  const oldestGivesWay = () => {
    const [oldest] = read;
    if (oldest === undefined) return false;
    release(oldest);
    oldest.giveWay();
    return true;
  };
  return {
    take(giveWay) {
      if (read.size + handled.size >= bodiesMax && !oldestGivesWay()) return undefined;
      const slot: Slot = { bytes: 0, giveWay };
      read.add(slot);
      return {
        grow(bytes) {
          if (!read.has(slot)) return;
          slot.bytes += bytes;
          total += bytes;
          while (total > bytesMax && oldestGivesWay());
        },
        whole() {
          if (read.delete(slot)) handled.add(slot);
        },
        release: () => release(slot),
      };
    },
  };
}
