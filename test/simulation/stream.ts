import { decodeTask, encodeTask } from "../../adapters/nats/task-codec.ts";
import { type Channel, CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import { QUEUED_MIN } from "../../core/delivery/share.ts";
import { taskMessageId } from "../../core/delivery/subjects.ts";
import { WATCHDOG_FIRST_MS } from "../../core/delivery/watchdog.ts";
import type { QueueDepth, Settlement, TaskCopy, TaskPublisher } from "../../core/ports/queue.ts";
import { APP } from "./callers.ts";
import type { Simulation } from "./simulation.ts";

/** How long a stream remembers the ids of messages. */
const DUPLICATE_WINDOW_MS = 120_000;
/** A publisher's timeout for its acknowledgement. */
const PUBLISH_MS = 3_000;
/** Delay between storing and delivering a message: long enough for another message to overtake it. */
const DELIVERY_DELAY_MS_MAX = 30;
/** Acknowledged messages that can be restored. */
const ACKNOWLEDGED_KEPT = 30;

/** Bytes that are not a task. */
const GARBAGE = new Uint8Array([0xff, 0xff, 0xff]);

interface Message {
  sequence: number;
  id: string;
  channel: Channel;
  notificationClass: NotificationClass;
  bytes: Uint8Array;
  /** ms since the epoch; unchanged when the message is restored. */
  publishedAt: number;
  /** How often it was delivered. */
  deliveries: number;
  /** ms since the epoch; when it is delivered, or redelivered if it is not settled before. */
  visibleAt: number;
}

export interface Consumer {
  hasRoom(notificationClass: NotificationClass): boolean;
  /** Handles one copy; never settles when the process dies. The consumer adds the holder. */
  handle(copy: Omit<TaskCopy, "holder">, sequence: number): Promise<Settlement>;
}

export interface Stream extends TaskPublisher {
  /** Publishing and delivery fail for this long. */
  failFor(ms: number): void;
  /** For this long the queue is as long as it may be. */
  crowd(ms: number): void;
  /** For this long the queues of the channel are as long as they may be. */
  fill(channel: Channel, ms: number): void;
  /** Whether the queues of this channel, or of any, have no room, which publishers can read. */
  isFull(channel?: Channel): boolean;
  /** Nothing is delivered for this long; publishing works. */
  pause(ms: number): void;
  /** Age of the oldest task that was never delivered, in ms; minus Infinity when there is none. Undefined when it cannot be read. */
  oldestWaitingMs(channel: Channel, notificationClass: NotificationClass): Promise<number | undefined>;
  /** Undefined when it cannot be read. */
  depth(channel: Channel, notificationClass: NotificationClass): Promise<QueueDepth | undefined>;
  wipe(): void;
  loseLast(count: number): void;
  forgetIds(): void;
  /** Restores messages that were acknowledged. */
  restore(count: number): void;
  /** Delivers every message in flight once more, as after the loss of the consumer's state. */
  redeliver(): void;
  /** A consumer may have room again. */
  pump(): void;
}

/** A work queue like JetStream's that loses, duplicates and reorders messages. */
export function createStream(simulation: Simulation, ackWaitMs: number, consumers: () => readonly Consumer[]): Stream {
  const { random, time } = simulation;
  let messages: Message[] = [];
  const acknowledged: Message[] = [];
  const seen = new Map<string, number>();
  let sequence = 0;
  let unavailableUntil = 0;
  let pausedUntil = 0;
  let crowdedUntil = 0;
  let filled: { channel: Channel; until: number } | undefined;
  const isFull = (channel = filled?.channel) =>
    filled !== undefined && filled.channel === channel && time.now() < filled.until && time.now() >= unavailableUntil;
  /** Whether another task always waits, as on a stream with other traffic. */
  const busy = random.chance(0.4);
  /** When the next message is delivered. */
  let pumpAt = Number.POSITIVE_INFINITY;

  function store(message: Pick<Message, "id" | "bytes" | "channel" | "notificationClass" | "publishedAt">): void {
    messages.push({ ...message, sequence: ++sequence, deliveries: 0, visibleAt: time.now() });
    pump();
  }

  /** What a consumer has room for. */
  function takeable(): Message[] {
    const all = consumers();
    const taken = CLASSES.filter((c) => all.some((consumer) => consumer.hasRoom(c)));
    return taken.length === 0 ? [] : messages.filter((m) => taken.includes(m.notificationClass));
  }

  /** Plans the next delivery. A consumer that finishes a task calls this again. */
  function pump(): void {
    const next = Math.max(time.now(), unavailableUntil, pausedUntil, Math.min(...takeable().map((m) => m.visibleAt)));
    if (next >= pumpAt) return;
    const at = next + random.below(DELIVERY_DELAY_MS_MAX);
    if (at >= pumpAt) return;
    pumpAt = at;
    time.after(at - time.now(), () => {
      if (pumpAt !== at) return;
      pumpAt = Number.POSITIVE_INFINITY;
      const isDelivering = time.now() >= Math.max(unavailableUntil, pausedUntil);
      const ready = takeable().filter((m) => m.visibleAt <= time.now());
      if (isDelivering && ready.length > 0) {
        const message = random.pick(ready);
        void deliver(message, random.pick(consumers().filter((c) => c.hasRoom(message.notificationClass))));
      }
      pump();
    });
  }

  async function deliver(message: Message, consumer: Consumer): Promise<void> {
    message.visibleAt = time.now() + ackWaitMs;
    message.deliveries++;
    simulation.note("stream", `delivers ${message.id}`);
    const { id: messageId, bytes, channel, notificationClass, deliveries } = message;
    const copy = { task: decodeTask(bytes, messageId), bytes, channel, notificationClass, messageId, deliveries };
    const settlement = await consumer.handle(copy, message.sequence);
    simulation.note("stream", `${settlement.kind} ${message.id}`);
    if (settlement.kind === "nak") message.visibleAt = time.now() + settlement.delayMs;
    else if (!simulation.happens("stream lost an ack", 0.05)) {
      messages = messages.filter((m) => m !== message);
      acknowledged.push(message);
      if (acknowledged.length > ACKNOWLEDGED_KEPT) acknowledged.shift();
    }
    pump();
  }

  return {
    async publish(task) {
      const id = taskMessageId(task.deliveryId, task.attempt, task.publication);
      if (time.now() < unavailableUntil || simulation.happens("stream rejected", 0.05)) {
        await time.sleep(PUBLISH_MS);
        return false;
      }
      if ((seen.get(id) ?? 0) > time.now() - DUPLICATE_WINDOW_MS) return true;
      if (simulation.happens("stream acknowledged, not stored", 0.05)) return true;
      seen.set(id, time.now());
      const { channel, notificationClass } = task;
      const bytes = simulation.happens("stream garbled a task", 0.003) ? GARBAGE : encodeTask(task);
      const message = { id, bytes, channel, notificationClass, publishedAt: time.now() };
      store(message);
      if (simulation.happens("stream stored a task twice", 0.05)) store(message);
      return !simulation.happens("stream stored, acknowledgement lost", 0.05);
    },
    failFor(ms) {
      unavailableUntil = time.now() + ms;
    },
    crowd(ms) {
      crowdedUntil = time.now() + ms;
    },
    fill(channel, ms) {
      filled = { channel, until: time.now() + ms };
    },
    isFull,
    pause(ms) {
      pausedUntil = time.now() + ms;
    },
    async oldestWaitingMs(channel, notificationClass) {
      if (time.now() < unavailableUntil || simulation.happens("stream's age unreadable", 0.05)) return undefined;
      const waiting = messages.filter((m) => m.deliveries === 0 && m.channel === channel && m.notificationClass === notificationClass);
      const others = busy ? time.now() - random.below(DELIVERY_DELAY_MS_MAX) : Number.POSITIVE_INFINITY;
      const age = time.now() - Math.min(others, ...waiting.map((m) => m.publishedAt));
      if (age >= WATCHDOG_FIRST_MS) simulation.happened("stream behind");
      return age;
    },
    async depth(channel, notificationClass) {
      const isFilled = isFull(channel);
      if (time.now() < unavailableUntil || (!isFilled && simulation.happens("stream's depth unreadable", 0.05))) return undefined;
      if (isFilled) simulation.happened("stream of one channel full");
      const own = messages.filter((m) => m.channel === channel && m.notificationClass === notificationClass);
      const waiting = own.filter((m) => m.deliveries === 0).length;
      const crowd = isFilled || time.now() < crowdedUntil ? 10 * QUEUED_MIN : 0;
      const delivered = own.reduce((sum, m) => sum + m.deliveries, 0);
      return {
        waiting: waiting + crowd,
        held: own.length - waiting,
        pulls: crowd > 0 ? 0 : 1,
        delivered,
        byApp: new Map([[APP.id, own.length + crowd]]),
      };
    },
    wipe() {
      messages = [];
      seen.clear();
    },
    loseLast(count) {
      messages = messages.filter((m) => m.sequence <= sequence - count);
    },
    forgetIds: () => seen.clear(),
    restore(count) {
      for (const message of acknowledged.slice(-count)) store(message);
    },
    redeliver() {
      for (const message of messages) message.visibleAt = time.now();
      pump();
    },
    pump,
  };
}
