/** A binary min-heap by `key`; items with equal keys leave in insertion order. */
export function createHeap<T>(key: (item: T) => number) {
  const entries: { at: number; order: number; item: T }[] = [];
  let puts = 0;
  const before = (a: number, b: number) => {
    const [x, y] = [entries[a]!, entries[b]!];
    return x.at < y.at || (x.at === y.at && x.order < y.order);
  };
  const swap = (a: number, b: number) => {
    const kept = entries[a]!;
    entries[a] = entries[b]!;
    entries[b] = kept;
  };
  return {
    get size() {
      return entries.length;
    },
    peek: (): T | undefined => entries[0]?.item,
    put(item: T): void {
      entries.push({ at: key(item), order: puts++, item });
      for (let i = entries.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1;
        if (!before(i, parent)) return;
        swap(i, parent);
        i = parent;
      }
    },
    take(): T | undefined {
      const first = entries[0];
      const last = entries.pop();
      if (first === undefined || last === undefined || entries.length === 0) return first?.item;
      entries[0] = last;
      for (let i = 0; ; ) {
        const left = 2 * i + 1;
        if (left >= entries.length) break;
        const child = left + 1 < entries.length && before(left + 1, left) ? left + 1 : left;
        if (!before(child, i)) break;
        swap(i, child);
        i = child;
      }
      return first.item;
    },
  };
}
