import { Agent, request } from "node:http";
import type { SignedPost, WebhookEvent, WebhookWriter } from "./webhook-write.ts";

/** Concurrent requests of one provider; further events wait and are batched. */
const POSTS_MAX = 4;
/** Waiting events of one provider, at roughly 2 kB each; more are dropped. */
const EVENTS_WAITING_MAX = 50_000;
/** Deadline of an answer, in ms: as long as providers wait. */
const ANSWER_MS_MAX = 15_000;
/** Characters of an answer that are kept: those to a text may be instructions. */
const ANSWER_CHARACTERS_MAX = 10_000;
/** How often an event is tried, with twice the wait each time: for a little over six seconds. */
export const TRIES_MAX = 8;
/** Before the first retry, in ms. */
const TRY_AGAIN_MS = 50;

export interface PostCounts {
  /** Events that were answered 2xx. */
  told: number;
  /** Retries, after another answer or none. */
  repeated: number;
  /** Events given up after TRIES_MAX, without a target, or because too many waited. */
  givenUp: number;
}

interface Waiting {
  event: WebhookEvent;
  tries: number;
  settle(isTaken: boolean): void;
}

/** Posts one provider's events in order, each until it is answered 2xx. Disposal gives up the rest. */
export function createPoster(writer: WebhookWriter, target: () => string | undefined, counts: PostCounts) {
  const agent = new Agent({ keepAlive: true, maxSockets: POSTS_MAX });
  const closing = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  let waiting: Waiting[] = [];
  let underWay = 0;

  function end(events: readonly Waiting[], result: "told" | "givenUp") {
    counts[result] += events.length;
    for (const { settle } of events) settle(result === "told");
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
        events.map(({ event }) => event),
        base,
      );
      send(post, agent).then((isAccepted) => {
        underWay -= 1;
        if (isAccepted) end(events, "told");
        else retry(events);
        pump();
      });
    }
  }

  function retry(events: readonly Waiting[]): void {
    const [left, exhausted] = [events.filter((e) => e.tries + 1 < TRIES_MAX), events.filter((e) => e.tries + 1 >= TRIES_MAX)];
    end(exhausted, "givenUp");
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
    /** Resolves when the event was answered 2xx (true) or given up. */
    post(event: WebhookEvent): Promise<boolean> {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const added = { event, tries: 0, settle: resolve };
      if (waiting.length >= EVENTS_WAITING_MAX) end([added], "givenUp");
      else waiting.push(added);
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
const send = async (signed: SignedPost, agent: Agent): Promise<boolean> => Math.floor((await post(signed, agent)).status / 100) === 2;

export interface Answered {
  /** 0: there was no answer. */
  status: number;
  body: string;
}

/** One request, whatever is answered. */
export function post({ method = "POST", url, headers, body }: SignedPost, agent?: Agent): Promise<Answered> {
  const { promise, resolve } = Promise.withResolvers<Answered>();
  const fails = () => resolve({ status: 0, body: "" });
  const length = method === "GET" ? {} : { "content-length": Buffer.byteLength(body) };
  const outgoing = request(url, { method, agent, timeout: ANSWER_MS_MAX, headers: { ...headers, ...length } });
  outgoing.on("timeout", () => outgoing.destroy());
  outgoing.on("error", fails);
  outgoing.on("close", fails);
  outgoing.on("response", (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("error", fails);
    response.on("data", (chunk: string) => {
      text = (text + chunk).slice(0, ANSWER_CHARACTERS_MAX);
    });
    response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
  });
  outgoing.end(method === "GET" ? undefined : body);
  return promise;
}
