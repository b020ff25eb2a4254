/** How the items of a queue share it. */
export interface Sharing<T> {
  /** Items of one lane wait in order; lanes take turns. */
  laneOf(item: T): string;
  /** Items that a lane gets per turn, 1 or more; absent: 1. */
  weightOf?(item: T): number;
  /** Bytes that an item holds while it waits; absent: 0. */
  bytesOf?(item: T): number;
}

export interface QueueBounds {
  itemsMax: number;
  bytesMax: number;
}

/** Waiting items, taken from each lane in turn, so that a lane with many does not delay one with few. */
export interface FairQueue<T> {
  readonly length: number;
  /** False, and the item is not kept, where the queue is full or its lane holds too much of it. */
  push(item: T): boolean;
  /** Up to this many items and bytes, but at least one item while there is one. */
  take(bounds: QueueBounds): T[];
  /** Removes the items at the head of each lane for which this holds. */
  dropWhile(drop: (item: T) => boolean): T[];
}

/**
 * A lane may hold this many times what is still free (dynamic thresholds; Choudhury and Hahne, 1998): alone it gets half of the queue, and while n
 * greedy lanes hold as much as they may, 1/(1 + n) stays free for the others.
 */
const SHARE_OF_FREE = 1;
/** Removed items at the head of a lane before its array is cut: shift() of a long array copies it. */
const CUT_AT = 1_024;

interface Lane<T> {
  items: T[];
  head: number;
  bytes: number;
  /** Items it may still give in its turn; absent: its turn has not begun. */
  left?: number | undefined;
}

/** @param sharing without lanes there is one, which may fill the whole queue */
export function createFairQueue<T>(bounds: QueueBounds, sharing?: Partial<Sharing<T>>): FairQueue<T> {
  const { laneOf = () => "", weightOf = () => 1, bytesOf = () => 0 } = sharing ?? {};
  const share = sharing?.laneOf ? SHARE_OF_FREE : Number.POSITIVE_INFINITY;
  const lanes = new Map<string, Lane<T>>();
  /** Names of the lanes that hold items, the next one to be taken from first. */
  let turns: string[] = [];
  let length = 0;
  let bytes = 0;

  const shift = (lane: Lane<T>): T => {
    const item = lane.items[lane.head]!;
    lane.items[lane.head++] = undefined as T;
    if (lane.head >= CUT_AT) {
      lane.items.splice(0, lane.head);
      lane.head = 0;
    }
    length--;
    lane.bytes -= bytesOf(item);
    bytes -= bytesOf(item);
    return item;
  };
  const held = (lane: Lane<T>) => lane.items.length - lane.head;

  return {
    get length() {
      return length;
    },
    push(item) {
      const name = laneOf(item);
      const lane = lanes.get(name) ?? { items: [], head: 0, bytes: 0 };
      const size = bytesOf(item);
      if (length + 1 > bounds.itemsMax || bytes + size > bounds.bytesMax) return false;
      if (held(lane) >= share * (bounds.itemsMax - length)) return false;
      if (lane.bytes > share * (bounds.bytesMax - bytes)) return false;
      if (!lanes.has(name)) {
        lanes.set(name, lane);
        turns.push(name);
      }
      lane.items.push(item);
      lane.bytes += size;
      length++;
      bytes += size;
      return true;
    },
    take({ itemsMax, bytesMax }) {
      const taken: T[] = [];
      let takenBytes = 0;
      let full = false;
      while (length > 0 && !full) {
        const name = turns.shift()!;
        const lane = lanes.get(name)!;
        lane.left ??= Math.max(1, weightOf(lane.items[lane.head]!));
        while (lane.left > 0 && held(lane) > 0) {
          const size = bytesOf(lane.items[lane.head]!);
          full = taken.length >= itemsMax || (taken.length > 0 && takenBytes + size > bytesMax);
          if (full) break;
          taken.push(shift(lane));
          takenBytes += size;
          lane.left--;
        }
        if (held(lane) === 0) lanes.delete(name);
        // A lane whose turn the end of the batch cut short goes on in the next one.
        else if (full && lane.left > 0) turns.unshift(name);
        else {
          turns.push(name);
          lane.left = undefined;
        }
      }
      return taken;
    },
    dropWhile(drop) {
      const dropped: T[] = [];
      for (const [name, lane] of lanes) {
        while (held(lane) > 0 && drop(lane.items[lane.head]!)) dropped.push(shift(lane));
        if (held(lane) === 0) lanes.delete(name);
      }
      turns = turns.filter((name) => lanes.has(name));
      return dropped;
    },
  };
}
