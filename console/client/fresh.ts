import { Fragment, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import { type Loaded, useJson } from "../../web/client/load.ts";
import { useStaleSince } from "../../web/client/stale.ts";
import { clock, instant } from "../../web/client/time.ts";

/** Between two readings, in ms. */
const READ_MS = 5_000;

export interface Fresh<T> extends Loaded<T> {
  /** By this browser's clock, since when there was no answer; undefined: it is live. */
  staleSince: number | undefined;
  /** Reads now. */
  read(): void;
}

/** Reads a URL every READ_MS, one reading at a time. What was read stays while newer data is not there. */
export function useFresh<T>(url: string): Fresh<T> {
  const [revision, setRevision] = useState(0);
  const { staleSince, heard } = useStaleSince();
  const loaded = useJson<T>(url, revision);
  useEffect(() => {
    if (loaded.data !== undefined) heard();
  }, [loaded.data]);
  useEffect(() => {
    const timer = setInterval(() => setRevision((n) => n + 1), READ_MS);
    return () => clearInterval(timer);
  }, []);
  return { ...loaded, staleSince, read: () => setRevision((n) => n + 1) };
}

/** Shows when the numbers were read. @param now the server's time in the last answer */
export function Live({ now, staleSince }: { now: number | undefined; staleSince: number | undefined }): VNode {
  if (staleSince !== undefined)
    return html`<span class="state warn" role="status">Not live since <time datetime=${instant(staleSince)}>${clock(staleSince)}</time></span>`;
  return now === undefined
    ? html`<${Fragment} />`
    : html`<span class="live">Live, read at <time datetime=${instant(now)}>${clock(now)}</time> UTC</span>`;
}

interface StatusProps {
  of: Pick<Loaded<{ now: number }>, "data" | "isSlow" | "fault" | "again">;
  /** Of the page, with whether sending goes on. */
  what: string;
}

/** Says that a reading failed, or takes long. */
export const Status = ({ of: { data, isSlow, fault, again }, what }: StatusProps): VNode =>
  html`<${Fragment}>
    ${fault !== undefined && html`<div class="banner" role="alert"><h2>${what}</h2><p>${fault}. Sending goes on as far as it can; this concerns the console. ${data && html`What is shown is of ${clock(data.now)} UTC. `}It is tried again every 5 s.</p><div class="actions"><button type="button" onClick=${again}>Try again now</button></div></div>`}
    ${isSlow && html`<div class="stack-v" aria-busy="true"><span class="sr">Loading</span><span class="bone w1"></span><span class="bone w2"></span></div>`}
  <//>`;
