/** Bytes of notifications that are between the reading of their endpoints and the answer of their insert. */
export interface HeldBytes {
  /** False, and nothing is held, where there is no room. */
  hold(app: string, bytes: number): boolean;
  release(app: string, bytes: number): void;
}

/**
 * An app may hold as much as is still free: alone it gets half, and n greedy apps leave 1/(1 + n) of it to the others (dynamic thresholds, as in
 * runtime/fair-queue.ts).
 */
export function createHeldBytes(bytesMax: number): HeldBytes {
  const byApp = new Map<string, number>();
  let total = 0;
  return {
    hold(app, bytes) {
      const held = byApp.get(app) ?? 0;
      if (total + bytes > bytesMax || held > bytesMax - total) return false;
      byApp.set(app, held + bytes);
      total += bytes;
      return true;
    },
    release(app, bytes) {
      const left = (byApp.get(app) ?? 0) - bytes;
      if (left > 0) byApp.set(app, left);
      else byApp.delete(app);
      total -= bytes;
    },
  };
}
