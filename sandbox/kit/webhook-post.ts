import { Agent, request } from "node:http";
import type { SignedPost, Told, WebhookWriter } from "./webhook-write.ts";

/** Requests of one provider under way at once; meanwhile events gather for the next. */
const POSTS_MAX = 4;
/** Events of one provider that wait, at roughly 2 kB each; more are not told. */
const EVENTS_WAITING_MAX = 50_000;
/** What an answer may take, in ms: as long as providers wait. */
const ANSWER_MS_MAX = 15_000;
/** An event is offered so often: with twice the wait each time, for a good six seconds. */
export const TRIES_MAX = 8;
const TRY_AGAIN_MS = 50;

export interface PostCounts {
  /** Events that were answered 2xx. */
  told: number;
  /** Events offered once more, because of another answer or none. */
  repeated: number;
  /** Events nobody took after TRIES_MAX, or that were too many. */
  givenUp: number;
}

interface Waiting {
  told: Told;
  tries: number;
  over(): void;
}

/** Posts one provider's events in the order they come, until answered 2xx. Disposal gives up what is left. */
export function createPoster(writer: WebhookWriter, target: () => string | undefined, counts: PostCounts) {
  const agent = new Agent({ keepAlive: true, maxSockets: POSTS_MAX });
  const closing = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  let waiting: Waiting[] = [];
  let underWay = 0;

  function end(events: readonly Waiting[], result: "told" | "givenUp") {
    counts[result] += events.length;
    for (const { over } of events) over();
  }

  function pump(): void {
    while (underWay < POSTS_MAX && waiting.length > 0) {
      const events = waiting.splice(0, writer.eventsMax);
      const base = target();
      if (base === undefined || closing.signal.aborted) {
        end(events, "givenUp");
        continue;
      }
      underWay += 1;
      const post = writer.write(
        events.map(({ told }) => told),
        base,
      );
      send(post, agent).then((isTaken) => {
        underWay -= 1;
        if (isTaken) end(events, "told");
        else offerAgain(events);
        pump();
      });
    }
  }

  function offerAgain(events: readonly Waiting[]): void {
    const [left, spent] = [events.filter((e) => e.tries + 1 < TRIES_MAX), events.filter((e) => e.tries + 1 >= TRIES_MAX)];
    end(spent, "givenUp");
    if (left.length === 0) return;
    counts.repeated += left.length;
    const again = () => {
      timers.delete(timer);
      waiting.push(...left.map((e) => ({ ...e, tries: e.tries + 1 })));
      pump();
    };
    const timer = setTimeout(again, closing.signal.aborted ? 0 : TRY_AGAIN_MS * 2 ** Math.max(...left.map((e) => e.tries)));
    timers.add(timer);
  }

  return {
    /** Resolves when it was answered 2xx or given up. */
    post(told: Told): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const event = { told, tries: 0, over: resolve };
      if (waiting.length >= EVENTS_WAITING_MAX) end([event], "givenUp");
      else waiting.push(event);
      pump();
      return promise;
    },
    [Symbol.dispose]() {
      closing.abort();
      for (const timer of timers) clearTimeout(timer);
      end(waiting, "givenUp");
      waiting = [];
      agent.destroy();
    },
  };
}

/** Whether it was answered 2xx. */
function send({ url, headers, body }: SignedPost, agent: Agent): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const outgoing = request(url, {
    method: "POST",
    agent,
    timeout: ANSWER_MS_MAX,
    headers: { ...headers, "content-length": Buffer.byteLength(body) },
  });
  outgoing.on("timeout", () => outgoing.destroy());
  outgoing.on("error", () => resolve(false));
  outgoing.on("close", () => resolve(false));
  outgoing.on("response", (response) => {
    response.on("error", () => resolve(false));
    response.on("end", () => resolve(Math.floor((response.statusCode ?? 0) / 100) === 2));
    response.resume();
  });
  outgoing.end(body);
  return promise;
}
