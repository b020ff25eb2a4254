import type { ServerResponse } from "node:http";
import type { EventName } from "./view.ts";

/** Pages that watch at once; further ones are refused. */
export const VIEWERS_MAX = 20;
/** From a change to the events that tell of it, in ms: they are sent in batches, because a load test changes the inbox thousands of times a second. */
const TELL_MS = 100;
/** How often a page hears that it is live, in ms; after 10 s of silence it says that it is not. */
const BEAT_MS = 3_000;
/** How long a page waits before it connects again, in ms. */
const RETRY_MS = 1_000;
/** Bytes that a page has not read yet; a page with more is disconnected. */
const UNREAD_BYTES_MAX = 65_536;

export interface Events extends Disposable {
  /** Tells every page, with the next batch. @param detail which message, where it is about one */
  tell(name: Exclude<EventName, "beat">, detail?: string): void;
  /** Keeps the connection open for events. False: too many pages watch already. */
  open(response: ServerResponse): boolean;
}

/** Server-sent events, which say only what to read again. */
export function createEvents(): Events {
  const viewers = new Set<ServerResponse>();
  /** Events of the next batch, each once. */
  const waiting = new Set<string>();
  let turn: NodeJS.Timeout | undefined;

  function write(text: string): void {
    for (const viewer of viewers) {
      if (viewer.writableLength > UNREAD_BYTES_MAX) viewer.destroy();
      else viewer.write(text);
    }
  }
  const beat = setInterval(() => write(eventText("beat")), BEAT_MS);
  beat.unref();

  return {
    tell(name, detail = "") {
      if (viewers.size === 0) return;
      waiting.add(eventText(name, detail));
      turn ??= setTimeout(() => {
        turn = undefined;
        const text = [...waiting].join("");
        waiting.clear();
        write(text);
      }, TELL_MS);
    },
    open(response) {
      if (viewers.size >= VIEWERS_MAX) return false;
      viewers.add(response);
      response.once("close", () => viewers.delete(response));
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-content-type-options": "nosniff" });
      response.write(`retry: ${RETRY_MS}\n\n${eventText("beat")}`);
      return true;
    },
    [Symbol.dispose]() {
      clearInterval(beat);
      clearTimeout(turn);
      for (const viewer of viewers) viewer.destroy();
      viewers.clear();
    },
  };
}

const eventText = (name: EventName, detail = "") => `event: ${name}\ndata: ${detail}\n\n`;
