// Callers: batches to each gateway alternately, all channels and classes, some scheduled, repeated with the same key until answered, and
// people who opt out, withdraw their consent or are blocked while notifications are sent to them.

import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { endpointId } from "../../adapters/ids.ts";
import { classToProto, endpointToProto } from "../../adapters/wire/convert.ts";
import { contentToProto } from "../../core/content/content.ts";
import { CHANNELS, type Channel, CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Block } from "../../core/preferences/block.ts";
import { endpointSubject } from "../../core/preferences/opt-out.ts";
import { ContactServiceService } from "../../gen/carillon/v1/contact_service.ts";
import { type Notification, NotificationServiceService, type Recipient } from "../../gen/carillon/v1/notification_service.ts";
import {
  type OptOut,
  PreferenceServiceService,
  type Subject,
  type UpdatePreferencesRequest,
} from "../../gen/carillon/v1/preference_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { readDetails } from "../../runtime/grpc/status.ts";
import { freshEndpoint } from "../support/fresh.ts";
import { NO_OPTIONS } from "../support/no-options.ts";
import { updateRequest } from "../support/preference-requests.ts";
import { APP, CONSENTED_CATEGORY, type World } from "./world.ts";

/** One notification, from its first call. */
export interface Item {
  key: string;
  channel: Channel;
  notificationClass: NotificationClass;
  notification: Notification;
  /** Set once a gateway has accepted it. */
  accepted?: { notificationId: string; deliveryIds: string[]; at: number };
  /** The gateway rejected it because its send_at is in the past, and the caller gives up. Correct only if it is not stored. */
  rejected?: boolean;
  /** Calls without a definite answer. */
  retries: number;
  person?: Person | undefined;
}

/** How notifications to a person end: by an opt-out, by a consent that is withdrawn, or by a block of the endpoint. */
const REFUSES = ["opt-out", "withdrawal", "block"] as const;

export interface Person {
  who: { kind: "user"; userId: string } | { kind: "endpoint" };
  endpoint: Endpoint;
  refuses: (typeof REFUSES)[number];
  /** When the caller received the answer to the opt-out or the withdrawal, or the block was stored; ms since the epoch. */
  optedOutAt?: number;
}

export interface Load {
  items: readonly Item[];
  persons: readonly Person[];
  /** Keys with two different answers: promise 6. */
  contradictions: string[];
  /** The latest errors of calls without a definite answer, for the report. */
  lately: string[];
  /** Answers that must not occur: INVALID_ARGUMENT and the like, or internal errors. */
  surprises: Map<string, number>;
  startedAt: number;
  /** Starts no more opt-outs: what is scheduled after an opt-out would delay the row's end. */
  stopPeople(): void;
  /** Starts no more calls; resolves when all have their answer or the time is up. */
  stop(withinMs: number): Promise<void>;
}

export interface LoadOptions {
  /** Notifications per second. */
  rate?: number;
}

const RATE = 15;
const BATCH = 5;
/** Timeout of one call. */
const CALL_MS = 4_000;
/** Delay before a call is repeated: the first one, then doubling up to the longest. */
const AGAIN_MS = 150;
const AGAIN_LONGEST_MS = 2_000;
const LATELY_MAX = 200;
/** One in this many calls is repeated after its answer. */
const REPEAT_ONE_IN = 15;
const PERSON_EVERY_MS = 500;
/** Delays of notifications after the answer to the opt-out; the published bound is 5 s. */
const LATER_MS = [800, 2_000, 5_600, 6_200];
/** One in this many notifications is scheduled. */
const SCHEDULED_ONE_IN = 5;

export function startLoad({ gateways, sandbox, store }: World, row: string, { rate = RATE }: LoadOptions = {}): Load {
  const stopping = new AbortController();
  const peopleStopping = new AbortController();
  const deadline = new AbortController();
  const items: Item[] = [];
  const persons: Person[] = [];
  const contradictions: string[] = [];
  const surprises = new Map<string, number>();
  const lately: string[] = [];
  const remember = (what: string) => {
    lately.push(what);
    if (lately.length > LATELY_MAX) lately.shift();
  };
  const underWay = new Set<Promise<void>>();
  const run = Math.random().toString(36).slice(2, 8);
  let callCount = 0;
  let serial = 0;
  const gateway = () => gateways[callCount++ % gateways.length]!;
  const track = (work: Promise<void>) => {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  };

  function item(about: {
    channel: Channel;
    notificationClass: NotificationClass;
    recipient: Recipient;
    sendAt?: Date;
    person?: Person;
  }): Item {
    const { channel, notificationClass, recipient, sendAt, person } = about;
    const key = `${row}-${run}-${++serial}`;
    const notification: Notification = {
      ...NO_OPTIONS,
      ...{ idempotencyKey: key, recipient, notificationClass: classToProto(notificationClass), sendAt },
      category: person?.refuses === "withdrawal" ? CONSENTED_CATEGORY : "orders",
      content: contentToProto({
        push: { title: "Your order", body: "It is on its way.", data: { key } },
        sms: { text: `Your order ${key} is on its way.` },
        email: { subject: "Your order", html: "", text: `Order ${key} is on its way.` },
      }),
    };
    const made: Item = { key, channel, notificationClass, notification, retries: 0, person };
    items.push(made);
    return made;
  }

  /** Repeats the call until each item has an answer, on another gateway each time. */
  async function sendAll(batch: readonly Item[]): Promise<void> {
    let open = batch;
    let wait = AGAIN_MS;
    while (open.length > 0 && !deadline.signal.aborted) {
      try {
        const request = { notifications: open.map((i) => i.notification) };
        const options = { deadlineMs: CALL_MS, signal: deadline.signal };
        const { results } = await callUnary(gateway().notifications, NotificationServiceService.batchSendNotifications, request, options);
        for (const [n, { result }] of results.entries()) answered(open[n]!, result);
      } catch (error) {
        for (const i of open) i.retries++;
        failed(error);
      }
      open = open.filter((i) => i.accepted === undefined && !i.rejected);
      if (open.length > 0) await delay(wait, undefined, { signal: deadline.signal }).catch(() => undefined);
      wait = Math.min(2 * wait, AGAIN_LONGEST_MS);
    }
  }

  function answered(
    one: Item,
    result:
      | { $case: "accepted"; value: { notificationId: string; deliveries: { deliveryId: string }[] } }
      | { $case: "error"; value: { code: number } }
      | undefined,
  ): void {
    if (result?.$case !== "accepted") {
      one.retries++;
      const code = result?.value.code ?? -1;
      remember(`${status[code]} for one of a batch`);
      const sendAt = one.notification.sendAt?.getTime() ?? Number.POSITIVE_INFINITY;
      if (code === status.INVALID_ARGUMENT && sendAt < Date.now()) one.rejected = true;
      else if (![status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED].includes(code))
        surprise(status[code] ?? String(code));
      return;
    }
    const { notificationId, deliveries } = result.value;
    const deliveryIds = deliveries.map((d) => d.deliveryId);
    if (one.accepted === undefined) one.accepted = { notificationId, deliveryIds, at: Date.now() };
    else if (one.accepted.notificationId !== notificationId || one.accepted.deliveryIds.join() !== deliveryIds.join())
      contradictions.push(one.key);
  }
  function failed(error: unknown): void {
    const { code, reason, message } = readDetails(error);
    remember(`${status[code]} ${reason ?? ""} ${message.slice(0, 80)}`);
    const expected = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED, status.CANCELLED];
    if (!expected.includes(code)) surprise(status[code] ?? String(code));
  }
  const surprise = (what: string) => surprises.set(what, (surprises.get(what) ?? 0) + 1);

  async function repeat(one: Item): Promise<void> {
    const request = { notifications: [one.notification] };
    const options = { deadlineMs: CALL_MS, signal: deadline.signal };
    await callUnary(gateway().notifications, NotificationServiceService.batchSendNotifications, request, options).then(
      ({ results }) => answered(one, results[0]?.result),
      () => undefined,
    );
  }

  async function crowd(): Promise<void> {
    for (let n = 0; !stopping.signal.aborted; n++) {
      const batch = Array.from({ length: BATCH }, (_, i) => {
        const count = n * BATCH + i;
        const channel = CHANNELS[count % CHANNELS.length]!;
        const notificationClass = CLASSES[Math.floor(count / CHANNELS.length) % CLASSES.length]!;
        const sendAt = Math.random() * SCHEDULED_ONE_IN < 1 ? { sendAt: new Date(Date.now() + 500 + Math.random() * 3_000) } : {};
        return item({ channel, notificationClass, recipient: toEndpoint(freshEndpoint(channel, sandbox)), ...sendAt });
      });
      track(sendAll(batch).then(() => (n % REPEAT_ONE_IN === 0 && batch[0]?.accepted ? repeat(batch[0]) : undefined)));
      await delay((BATCH * 1_000) / rate, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  /** A person who refuses between notifications, including ones accepted before that and due after it. */
  async function person(n: number): Promise<void> {
    const channel = CHANNELS[n % CHANNELS.length]!;
    const endpoint = freshEndpoint(channel, sandbox);
    const who: Person["who"] = n % 2 === 0 ? { kind: "user", userId: `user-${row}-${run}-${n}` } : { kind: "endpoint" };
    const refuses = REFUSES[n % REFUSES.length]!;
    const self: Person = { who, endpoint, refuses };
    const recipient: Recipient = who.kind === "user" ? { to: { $case: "userId", value: who.userId } } : toEndpoint(endpoint);
    const subject: Subject["subject"] =
      who.kind === "user" ? { $case: "userId", value: who.userId } : { $case: "endpoint", value: endpointToProto(endpoint) };
    if (who.kind === "user")
      await untilAnswered((g) =>
        callUnary(g.contacts, ContactServiceService.registerContact, { userId: who.userId, endpoint: endpointToProto(endpoint) }, call()),
      );
    persons.push(self);
    const now = Date.now();
    const write = (afterMs?: number) => {
      const notificationClass = CLASSES[(n + serial) % CLASSES.length]!;
      const sendAt = afterMs === undefined ? {} : { sendAt: new Date(now + afterMs) };
      return item({ channel, notificationClass, recipient, person: self, ...sendAt });
    };
    const consent: OptOut[] = [{ channel: 0, category: CONSENTED_CATEGORY }];
    const update = (change: Partial<UpdatePreferencesRequest>) => {
      const request = updateRequest({ subject: { subject }, ...change });
      return untilAnswered((g) => callUnary(g.preferences, PreferenceServiceService.updatePreferences, request, call()));
    };
    if (refuses === "withdrawal") await update({ consent });
    await sendAll([write(), ...LATER_MS.map((ms) => write(ms))]);
    if (refuses === "block") await untilBlocked(endpoint);
    else await update(refuses === "withdrawal" ? { optIn: consent } : { optOut: [{ channel: 0, category: "" }] });
    self.optedOutAt = Date.now();
    await sendAll([write()]);
  }
  const call = () => ({ deadlineMs: CALL_MS, signal: deadline.signal });

  async function untilAnswered(ask: (gateway: World["gateways"][number]) => Promise<unknown>): Promise<void> {
    while (!deadline.signal.aborted) {
      const ok = await ask(gateway()).then(
        () => true,
        (error: unknown) => failed(error),
      );
      if (ok) return;
      await delay(AGAIN_MS, undefined, { signal: deadline.signal }).catch(() => undefined);
    }
  }

  /** As an event of a provider would, but past Redis: only the sweeps of the readers carry it there. */
  async function untilBlocked(endpoint: Endpoint): Promise<void> {
    const block: Block = { kind: "manual", reason: "the load says so", source: "faults", at: Date.now() };
    const subject = endpointSubject(endpointId(endpoint));
    while (!deadline.signal.aborted) {
      const isStored = await store.preferences.update(APP, subject, { block: [block], origin: {} }, Date.now()).then(
        () => true,
        () => remember("the store did not take a block"),
      );
      if (isStored) return;
      await delay(AGAIN_MS, undefined, { signal: deadline.signal }).catch(() => undefined);
    }
  }

  async function people(): Promise<void> {
    for (let n = 0; !peopleStopping.signal.aborted; n++) {
      track(person(n));
      await delay(PERSON_EVERY_MS, undefined, { signal: peopleStopping.signal }).catch(() => undefined);
    }
  }

  const running = Promise.all([crowd(), people()]);
  return {
    ...{ items, persons, contradictions, surprises, lately, startedAt: Date.now() },
    stopPeople: () => peopleStopping.abort(),
    async stop(withinMs) {
      peopleStopping.abort();
      stopping.abort();
      const timer = setTimeout(() => deadline.abort(), withinMs);
      await running;
      while (underWay.size > 0) await Promise.all(underWay);
      clearTimeout(timer);
    },
  };
}

const toEndpoint = (endpoint: Endpoint): Recipient => ({ to: { $case: "endpoint", value: endpointToProto(endpoint) } });
