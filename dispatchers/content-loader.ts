import type { Content } from "../core/content/content.ts";
import type { Store } from "../core/ports/store.ts";
import { createStateLog } from "../runtime/state-log.ts";
import { createContentCache } from "./content-cache.ts";
import { type ContentLostParts, createContentLost } from "./content-lost.ts";
import type { Dispatch } from "./needs-guard.ts";

/** Until a task whose content could not be read is redelivered, in ms. */
export const CONTENT_UNREADABLE_WAIT_MS = 2_000;

export interface ContentLoaderParts extends ContentLostParts {
  store: ContentLostParts["store"] & Pick<Store, "contents">;
}

/** Reads the content that a task only refers to, before the claim. While the store cannot be read, the task returns to the queue. */
export function createContentLoader(dispatch: Dispatch, parts: ContentLoaderParts): Dispatch {
  const { channel, store, clock, log, metrics } = parts;
  const cache = createContentCache(store.contents);
  const endLost = createContentLost(parts);
  const state = createStateLog(
    log,
    { lost: "contents cannot be read; their tasks return to the queue", back: "contents can be read again" },
    clock.monotonic,
  );

  return async (task, holder) => {
    const { app, contentHash, statusQuery } = task;
    // An expired task is not sent, and its content may have been purged.
    if (contentHash === undefined || (!statusQuery && task.expiresAt <= clock.now())) return dispatch(task, holder);
    let content: Content | undefined;
    try {
      content = await cache.get(app, contentHash);
      state.works();
    } catch (error) {
      state.fails({ err: error });
      metrics.settled.inc({ channel, settlement: "nak", why: "content-unreadable" });
      return { kind: "nak", delayMs: CONTENT_UNREADABLE_WAIT_MS };
    }
    // A status query may do without its content.
    if (content || statusQuery) return dispatch({ ...task, content: content ?? {} }, holder);
    return endLost(task);
  };
}
