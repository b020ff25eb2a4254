import { decodeTask, encodeTask } from "../../adapters/nats/task-codec.ts";
import type { Channel, NotificationClass } from "../../core/delivery/channel.ts";
import { taskMessageId } from "../../core/delivery/subjects.ts";
import { WATCHDOG_FIRST_MS } from "../../core/delivery/watchdog.ts";
import type { Settlement, TaskCopy, TaskPublisher } from "../../core/ports/queue.ts";
import type { Nature } from "./nature.ts";

/** How long a stream remembers the ids of messages. */
const DUPLICATE_WINDOW_MS = 120_000;
/** How long a publisher waits for its acknowledgement. */
const PUBLISH_MS = 3_000;
/** From a message's being there to its being handed out: long enough for another to overtake it. */
const HANDED_OUT_MS_MAX = 30;
/** Of what was acknowledged, so much can come back. */
const ACKNOWLEDGED_KEPT = 30;

/** What nobody can decode. */
const GARBAGE = new Uint8Array([0xff, 0xff, 0xff]);

interface Message {
  sequence: number;
  id: string;
  channel: Channel;
  notificationClass: NotificationClass;
  bytes: Uint8Array;
  /** ms since the epoch; stays when it is brought back. */
  publishedAt: number;
  /** How often it was handed out. */
  deliveries: number;
  /** ms since the epoch; while somebody works on it, when it is given to another. */
  visibleAt: number;
}

export interface Consumer {
  hasRoom(): boolean;
  /** Handles one copy; never settles where the process dies. The holder is the consumer's to add. */
  handle(copy: Omit<TaskCopy, "holder">, sequence: number): Promise<Settlement>;
}

export interface Stream extends TaskPublisher {
  /** For so long nothing can be published, and nothing is handed out. */
  goAway(ms: number): void;
  /** For so long nothing is handed out, whatever is published. */
  hold(ms: number): void;
  /** Age of the oldest task that was never handed out, in ms; minus Infinity where there is none. Undefined where it cannot be told. */
  oldestWaitingMs(channel: Channel, notificationClass: NotificationClass): Promise<number | undefined>;
  wipe(): void;
  loseLast(count: number): void;
  forgetIds(): void;
  /** Messages acknowledged a while ago are there again. */
  bringBack(count: number): void;
  /** Whatever is under way is handed out once more, as after the loss of the consumer's state. */
  redeliver(): void;
  /** Somebody may have room again. */
  pump(): void;
}

/** A work queue as JetStream's, that keeps none of its promises. */
export function createStream(nature: Nature, ackWaitMs: number, consumers: () => readonly Consumer[]): Stream {
  const { random, time } = nature;
  let messages: Message[] = [];
  const acknowledged: Message[] = [];
  const seen = new Map<string, number>();
  let sequence = 0;
  let awayUntil = 0;
  let heldUntil = 0;
  /** Tasks of others come and go all the time, so that one always waits. */
  const busy = random.chance(0.4);
  let pumping = false;

  function store(message: Pick<Message, "id" | "bytes" | "channel" | "notificationClass" | "publishedAt">): void {
    messages.push({ ...message, sequence: ++sequence, deliveries: 0, visibleAt: time.now() });
    pump();
  }

  function pump(): void {
    if (pumping || messages.length === 0) return;
    const next = Math.max(awayUntil, heldUntil, Math.min(...messages.map((m) => m.visibleAt)));
    pumping = true;
    time.after(Math.max(0, next - time.now()) + random.below(HANDED_OUT_MS_MAX), () => {
      pumping = false;
      const free = consumers().filter((c) => c.hasRoom());
      const ready = messages.filter((m) => m.visibleAt <= time.now());
      // Who finishes something pumps again.
      if (free.length === 0) return;
      if (time.now() < Math.max(awayUntil, heldUntil)) return pump();
      if (ready.length > 0) void handOut(random.pick(ready), random.pick(free));
      pump();
    });
  }

  async function handOut(message: Message, consumer: Consumer): Promise<void> {
    message.visibleAt = time.now() + ackWaitMs;
    message.deliveries++;
    nature.note("stream", `hands out ${message.id}`);
    const { id: messageId, bytes, channel, notificationClass, deliveries } = message;
    const copy = { task: decodeTask(bytes, messageId), bytes, channel, notificationClass, messageId, deliveries };
    const settlement = await consumer.handle(copy, message.sequence);
    nature.note("stream", `${settlement.kind} ${message.id}`);
    if (settlement.kind === "nak") message.visibleAt = time.now() + settlement.delayMs;
    else if (!nature.happens("stream lost an ack", 0.05)) {
      messages = messages.filter((m) => m !== message);
      acknowledged.push(message);
      if (acknowledged.length > ACKNOWLEDGED_KEPT) acknowledged.shift();
    }
    pump();
  }

  return {
    async publish(task) {
      const id = taskMessageId(task.deliveryId, task.attempt, task.publication);
      if (time.now() < awayUntil || nature.happens("stream rejected", 0.05)) {
        await time.sleep(PUBLISH_MS);
        return false;
      }
      if ((seen.get(id) ?? 0) > time.now() - DUPLICATE_WINDOW_MS) return true;
      if (nature.happens("stream acknowledged, not stored", 0.05)) return true;
      seen.set(id, time.now());
      const { channel, notificationClass } = task;
      const bytes = nature.happens("stream garbled a task", 0.003) ? GARBAGE : encodeTask(task);
      const message = { id, bytes, channel, notificationClass, publishedAt: time.now() };
      store(message);
      if (nature.happens("stream doubled", 0.05)) store(message);
      return !nature.happens("stream stored, unsaid", 0.05);
    },
    goAway(ms) {
      awayUntil = time.now() + ms;
    },
    hold(ms) {
      heldUntil = time.now() + ms;
    },
    async oldestWaitingMs(channel, notificationClass) {
      if (time.now() < awayUntil || nature.happens("stream's age unreadable", 0.05)) return undefined;
      const waiting = messages.filter((m) => m.deliveries === 0 && m.channel === channel && m.notificationClass === notificationClass);
      const others = busy ? time.now() - random.below(HANDED_OUT_MS_MAX) : Number.POSITIVE_INFINITY;
      const age = time.now() - Math.min(others, ...waiting.map((m) => m.publishedAt));
      if (age >= WATCHDOG_FIRST_MS) nature.happened("stream behind");
      return age;
    },
    wipe() {
      messages = [];
      seen.clear();
    },
    loseLast(count) {
      messages = messages.filter((m) => m.sequence <= sequence - count);
    },
    forgetIds: () => seen.clear(),
    bringBack(count) {
      for (const message of acknowledged.slice(-count)) store(message);
    },
    redeliver() {
      for (const message of messages) message.visibleAt = time.now();
      pump();
    },
    pump,
  };
}
