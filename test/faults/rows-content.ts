// Messages that are not tasks, tasks of other versions, clocks that jump, opt-outs during a network partition.
import { randomBytes, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { encodeTask } from "../../adapters/nats/task-codec.ts";
import { CHANNELS, CLASSES } from "../../core/delivery/channel.ts";
import { streamName, taskSubject } from "../../core/delivery/subjects.ts";
import { toTask } from "../../core/delivery/task.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import { DeliveryTask as Wire } from "../../gen/carillon/v1/task.ts";
import { DidNotHappen, happened, type Row, type Scene } from "./row.ts";
import { holdUp, withStreams } from "./rows-nats.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;
const JUMP_MS = 8_000;
const CALL_BYTES_MIN = 300;
/** Consumers have handled earlier messages within this time. */
const DRAINED_MS = 15_000;

/** Publishes like a service, but not through the line; resolves to the number that the streams stored. */
async function publishing(
  world: World,
  work: (publish: (task: { subject: string; bytes: Uint8Array }) => Promise<void>) => Promise<void>,
): Promise<number> {
  const connection = await connect({ servers: world.nats.url, timeout: 5_000 });
  const js = jetstream(connection);
  let taken = 0;
  try {
    await work(async ({ subject, bytes }) => {
      const ack = await js.publish(subject, bytes, { msgID: randomUUID(), timeout: 5_000 });
      if (ack.seq > 0) taken++;
    });
  } finally {
    await connection.close();
  }
  return taken;
}

/** The tasks of accepted deliveries that satisfy `is`. */
async function tasksOf({ store }: World, { load }: Scene, is: (sendAt: number) => boolean, seen: Set<string>): Promise<DeliveryTask[]> {
  const tasks: DeliveryTask[] = [];
  for (const { accepted, key } of load.items) {
    if (!accepted || seen.has(key)) continue;
    seen.add(key);
    const record = await store.notifications.find(accepted.notificationId);
    if (record && is(record.sendAt)) for (const d of record.deliveries) if (d.state === "pending") tasks.push(toTask(record, d));
  }
  return tasks;
}

/** A task as an older version wrote it, with fields up to 14. */
function encodeOld(task: DeliveryTask): Uint8Array {
  const known = Wire.decode(encodeTask(task));
  const fresh = Wire.decode(new Uint8Array());
  const old = [
    "notificationId",
    "deliveryId",
    "attempt",
    "app",
    "userId",
    "channel",
    "endpoint",
    "notificationClass",
    "category",
    "priority",
    "collapseKey",
    "expiresAtMs",
    "content",
    "policyResend",
  ];
  return Wire.encode({ ...fresh, ...Object.fromEntries(Object.entries(known).filter(([name]) => old.includes(name))) }).finish();
}

/** A task as a newer version will write it, with an additional text field 900. */
const UNKNOWN_FIELD = Buffer.concat([Buffer.from([0xa2, 0x38, 5]), Buffer.from("later")]);
const encodeNew = (task: DeliveryTask) => Buffer.concat([encodeTask(task), UNKNOWN_FIELD]);

async function poison(world: World): Promise<string> {
  const whole = { attempt: 0, deliveryId: "unknown-0", notificationId: "unknown" };
  const bad: Uint8Array[] = [
    new Uint8Array(),
    new Uint8Array([255, 255, 255]),
    randomBytes(200),
    randomBytes(900_000),
    Buffer.from(JSON.stringify({ hello: "world" })),
    Wire.encode({ ...Wire.decode(new Uint8Array()), ...whole }).finish(),
  ];
  const taken = await publishing(world, async (publish) => {
    for (let times = 0; times < 3; times++) {
      for (const channel of CHANNELS)
        for (const c of CLASSES) for (const bytes of bad) await publish({ subject: taskSubject(channel, c), bytes });
      await delay(1_000);
    }
  });
  const giveUpAt = performance.now() + DRAINED_MS;
  for (;;) {
    const waiting = await withStreams(world, async (jsm) => {
      let unacknowledged = 0;
      for (const channel of CHANNELS)
        for await (const { num_pending, num_ack_pending, num_redelivered } of jsm.consumers.list(streamName(channel)))
          unacknowledged += num_redelivered > 0 ? num_pending + num_ack_pending : 0;
      return unacknowledged;
    });
    if (waiting < 20) break;
    if (performance.now() > giveUpAt) throw new Error(`${waiting} messages are still redelivered`);
    await delay(500);
  }
  return happened(taken, "messages that are no tasks, on every subject");
}

function jump(hours: number): Row["inject"] {
  return async (world) => {
    const names = ["dispatcher-email-1", "relay-1"];
    const processes = world.processes.filter((p) => names.includes(p.name));
    for (const { name } of processes) world.shiftClock(name, hours * HOUR_MS);
    await delay(JUMP_MS);
    const jumped = processes.filter(({ name, pid }) => {
      const file = `${world.clockFile(name)}.${pid}`;
      return existsSync(file) && Math.abs(Number(readFileSync(file, "utf8")) - hours * HOUR_MS) < 60_000;
    });
    for (const { name } of processes) world.shiftClock(name, 0);
    if (jumped.length < names.length) throw new DidNotHappen(`${jumped.length} of ${names.length} clocks jumped`);
    return happened(jumped.length, `clocks off by ${hours} h for ${JUMP_MS} ms while running: ${names.join(", ")}`);
  };
}

/** More than a send_at may lie in the past. */
const UNANSWERED_MS = 18_000;

export const CONTENT_ROWS: readonly Row[] = [
  {
    name: "answers-lost",
    about: "callers: for 18 s no answer of a gateway arrives and connections are reset; callers repeat with the same keys",
    async inject({ lines }) {
      const both = [lines.gateway1, lines.gateway2];
      const count = () => both.reduce((sum, l) => sum + l.counts.droppedReplies, 0);
      const before = count();
      // Calls are large; opening a connection takes only a few bytes.
      for (const l of both) l.set({ kind: "drop-replies", after: (request) => request.length > CALL_BYTES_MIN });
      await delay(UNANSWERED_MS);
      for (const l of both) l.set(undefined);
      return happened(count() - before, "answers dropped");
    },
  },
  { name: "poison", about: "queue: empty, random, oversized and half-filled messages on every subject", inject: poison },
  {
    name: "copies",
    about: "queue: two more copies of every task, under other message ids",
    async inject(world, scene) {
      holdUp(world);
      const seen = new Set<string>();
      const taken = await publishing(world, async (publish) => {
        const until = performance.now() + 5_000;
        while (performance.now() < until) {
          for (const task of await tasksOf(world, scene, (sendAt) => sendAt <= Date.now(), seen))
            for (let copy = 0; copy < 2; copy++)
              await publish({ subject: taskSubject(task.channel, task.notificationClass), bytes: encodeTask(task) });
          await delay(100);
        }
      });
      return happened(taken, "copies published");
    },
  },
  {
    name: "other-schema",
    about:
      "queue: for scheduled deliveries, tasks ahead of time, as an older version wrote them (no field above 14) and as a newer one will (an unknown field)",
    async inject(world, scene) {
      const seen = new Set<string>();
      const early = new Map<string, number>();
      let count = 0;
      await publishing(world, async (publish) => {
        const until = performance.now() + 5_000;
        while (performance.now() < until) {
          for (const task of await tasksOf(world, scene, (sendAt) => sendAt > Date.now() + 500, seen)) {
            await publish({
              subject: taskSubject(task.channel, task.notificationClass),
              bytes: count++ % 2 === 0 ? encodeOld(task) : encodeNew(task),
            });
            early.set(task.deliveryId, count);
          }
          await delay(100);
        }
      });
      await delay(500);
      // The relay evaluates a delivery only when it is due, so an earlier send was caused by these tasks.
      let sent = { old: 0, newer: 0 };
      const before = Date.now();
      const acceptances = world.sandbox.ledger.entries({ accepted: true, since: scene.load.startedAt });
      for (const { deliveryId, receivedAt } of acceptances) {
        const number = early.get(deliveryId);
        if (number === undefined || receivedAt > before) continue;
        sent = number % 2 === 1 ? { ...sent, old: sent.old + 1 } : { ...sent, newer: sent.newer + 1 };
      }
      return `${happened(sent.old, "sent by an old task")}, ${happened(sent.newer, "by a newer one")}`;
    },
  },
  { name: "clock-ahead", about: "clocks: a dispatcher's and a relay's jump 3 h ahead while they run, and back after 8 s", inject: jump(3) },
  {
    name: "clock-behind",
    about: "clocks: a dispatcher's and a relay's jump 3 h back while they run, and forward again after 8 s",
    inject: jump(-3),
  },
  {
    name: "opt-outs-untold",
    about: "opt-outs while changes cannot be broadcast: Redis cut off for 8 s, then silent for 8 s",
    async inject({ lines }, { load }) {
      const { resets, swallowedBytes } = lines.redis.counts;
      const optedOut = () => load.persons.filter((p) => p.optedOutAt !== undefined).length;
      const before = optedOut();
      lines.redis.set({ kind: "cut" });
      await delay(8_000);
      lines.redis.set({ kind: "half-open" });
      await delay(8_000);
      lines.redis.set(undefined);
      const { counts } = lines.redis;
      const cut = `${happened(counts.resets - resets, "connections cut")}, ${happened(counts.swallowedBytes - swallowedBytes, "bytes dropped")}`;
      return `${cut}, ${happened(optedOut() - before, "people opted out in the meantime")}`;
    },
  },
];
