import { useEffect, useRef } from "preact/hooks";
import { useStaleSince } from "./stale.ts";

/**
 * Server-sent events. `told` is called with the name and data of each, and with "open" after each connection: what happened in between is unknown.
 * Returns since when nothing was heard, in ms since the epoch; undefined while it is live.
 */
export function useLive(url: string, names: readonly string[], told: (name: string, data: string) => void): number | undefined {
  const latest = useRef(told);
  latest.current = told;
  const { staleSince, heard } = useStaleSince();
  useEffect(() => {
    const source = new EventSource(url);
    const tell = (name: string, data: string) => {
      heard();
      latest.current(name, data);
    };
    source.addEventListener("open", () => tell("open", ""));
    for (const name of names) source.addEventListener(name, (event: MessageEvent<string>) => tell(name, event.data));
    return () => source.close();
  }, [url]);
  return staleSince;
}
