import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** Silence after which a page says that it is not live, in ms: beats come every 3 s, and readings every 5. */
const STALE_MS = 10_000;
const CHECK_MS = 1_000;

/** `staleSince`: since when nothing was heard, in ms since the epoch by this browser's clock; undefined while the page is live. */
export function useStaleSince(): { staleSince: number | undefined; heard(): void } {
  const [staleSince, setStaleSince] = useState<number>();
  const heardAt = useRef(Date.now());
  const heard = useCallback(() => {
    heardAt.current = Date.now();
    setStaleSince(undefined);
  }, []);
  useEffect(() => {
    const timer = setInterval(() => {
      if (Date.now() - heardAt.current > STALE_MS) setStaleSince(heardAt.current);
    }, CHECK_MS);
    return () => clearInterval(timer);
  }, []);
  return { staleSince, heard };
}
