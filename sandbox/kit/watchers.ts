/** Tells everybody who watches of each change, in the order in which they began. */
export function createWatchers<Told extends unknown[]>() {
  const watchers = new Set<(...told: Told) => void>();
  return {
    tell(...told: Told): void {
      for (const watcher of watchers) watcher(...told);
    },
    /** Returns a function that ends it. */
    watch(watcher: (...told: Told) => void): () => void {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
  };
}
