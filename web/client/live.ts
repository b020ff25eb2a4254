import { useEffect, useRef, useState } from "preact/hooks";

/** Silence after which a page says that it is not live, in ms; a beat comes every 3 s. */
const STALE_MS = 10_000;
const LOOK_MS = 1_000;

/**
 * Server-sent events. `told` is called with the name and data of each, and with "open" after each connection: what happened in between is unknown.
 * Returns since when nothing was heard, in ms since the epoch; undefined while it is live.
 */
export function useLive(url: string, names: readonly string[], told: (name: string, data: string) => void): number | undefined {
  const latest = useRef(told);
  latest.current = told;
  const [staleSince, setStaleSince] = useState<number>();
  useEffect(() => {
    let heardAt = Date.now();
    const source = new EventSource(url);
    const heard = (name: string, data: string) => {
      heardAt = Date.now();
      setStaleSince(undefined);
      latest.current(name, data);
    };
    source.addEventListener("open", () => heard("open", ""));
    for (const name of names) source.addEventListener(name, (event: MessageEvent<string>) => heard(name, event.data));
    const look = setInterval(() => {
      if (Date.now() - heardAt > STALE_MS) setStaleSince(heardAt);
    }, LOOK_MS);
    return () => {
      clearInterval(look);
      source.close();
    };
  }, [url]);
  return staleSince;
}
