import { useEffect, useState } from "preact/hooks";

/** Until then nothing shows that something loads: most answers come sooner, and a flicker says nothing. */
const SLOW_MS = 200;

export interface Loaded<T> {
  /** The last that was read, also while newer data, or that of another URL, loads. */
  data: T | undefined;
  /** Nothing was read yet, and that takes long enough to show. */
  isSlow: boolean;
  /** Why the last reading failed, in words. */
  fault: string | undefined;
  again(): void;
}

/**
 * Reads JSON whenever the URL or the revision changes. One reading at a time: what changes meanwhile is read once, afterwards.
 * @param url undefined: nothing is read
 * @param question posted as JSON where it is given: what is private stands in no URL
 */
export function useJson<T>(url: string | undefined, revision = 0, question?: unknown): Loaded<T> {
  const [read, setRead] = useState<{ data: T }>();
  const [fault, setFault] = useState<string>();
  const [isSlow, setSlow] = useState(false);
  const [tries, setTries] = useState(0);
  const [isBusy, setBusy] = useState(false);
  const [done, setDone] = useState("");
  const wanted = `${url} ${revision} ${tries} ${JSON.stringify(question)}`;
  useEffect(() => {
    if (url === undefined || isBusy || done === wanted) return;
    setBusy(true);
    const slow = setTimeout(() => setSlow(true), SLOW_MS);
    (question === undefined ? readJson<T>(url) : sendJson<T>("POST", url, question))
      .then(
        (data) => {
          setRead({ data });
          setFault(undefined);
        },
        (error: Error) => setFault(error.message),
      )
      .finally(() => {
        clearTimeout(slow);
        setSlow(false);
        setDone(wanted);
        setBusy(false);
      });
  }, [wanted, isBusy, done]);
  const data = read?.data;
  return { data, isSlow: isSlow && data === undefined, fault, again: () => setTries((count) => count + 1) };
}

/** Rejects with an Error whose message is the server's own where it gave one. */
async function readJson<T>(url: string): Promise<T> {
  return (await answered(await fetch(url))) as T;
}

/** @param body undefined: none is sent */
export async function sendJson<T>(method: "POST" | "DELETE", url: string, body?: unknown): Promise<T> {
  const headers = body === undefined ? undefined : { "content-type": "application/json" };
  return (await answered(await fetch(url, { method, ...(headers && { headers, body: JSON.stringify(body) }) }))) as T;
}

async function answered(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const said = typeof body === "object" && body !== null && "error" in body ? textOf(body.error) : `answered ${response.status}`;
  throw new Error(said);
}

/** A text, or an object with one as its message. */
const textOf = (error: unknown) =>
  typeof error === "object" && error !== null && "message" in error ? String(error.message) : String(error);
