// Attacks on the gRPC listeners: bytes that cost the sender little and the server much.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { createFrameReader, FLAG, FRAME, frame, PREFACE, settingsFrame } from "../../bench/http2/frames.ts";
import { repeatedHeaders } from "../../bench/http2/header-block.ts";
import { NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { createApiKey } from "../../operations/apps/api-key.ts";
import { notification } from "../e2e/calls.ts";
import { type Attack, only } from "./attack.ts";
import { type Answers, begin, call, count, eventOf, openSession, prefixed, statusOf } from "./grpc-wire.ts";
import type { AttackWorld, RoleName } from "./world.ts";

const BATCH = NotificationServiceService.batchSendNotifications.path;
const SEND = NotificationServiceService.sendNotification.path;
const CHECK = "/carillon.v1.PreferenceService/CheckPreferences";
const METRICS = "/externalscaler.ExternalScaler/GetMetrics";
const MIB = 1024 * 1024;

/** `count` items without content: two bytes each, and an object each once decoded. Field 1 is the repeated one of both requests. */
const emptyItems = (items: number) => Buffer.alloc(2 * items, Buffer.from("0a00", "hex"));

/** Some calls at once on one connection. */
async function calls(address: string, times: number, raw: (i: number) => Parameters<typeof call>[1]): Promise<Answers> {
  const answers: Answers = {};
  using session = await openSession(address);
  await Promise.all(Array.from({ length: times }, async (_, i) => count(answers, await call(session, raw(i)))));
  return answers;
}

const gzipped = (path: string, target: RoleName, token?: (world: AttackWorld) => string) => async (world: AttackWorld) => {
  const body = prefixed(gzipSync(emptyItems(3_500_000)), { compressed: true });
  const headers = { "grpc-encoding": "gzip" };
  return calls(world.addresses[target], 4, () => ({ path, token: token?.(world), headers, body }));
};

/** A notification whose push data has this many pairs, each of two bytes once its field's tag and length are left out. */
function manyPairs(pairs: number): Buffer {
  const data = Buffer.alloc(2 * pairs, Buffer.from("1a00", "hex"));
  return under(1, under(6, under(1, data)));
}

/** Messages within messages of an unknown field, as deep as the bytes allow. */
function nested(depth: number): Buffer {
  // Field 100 as a group: a start tag for each level, and nothing else.
  return Buffer.alloc(2 * depth, Buffer.from("a306", "hex"));
}

function under(field: number, payload: Uint8Array): Buffer {
  const length: number[] = [];
  let left = payload.length;
  for (; left > 127; left = Math.floor(left / 128)) length.push((left % 128) | 128);
  length.push(left);
  return Buffer.concat([Buffer.of((field << 3) | 2, ...length), payload]);
}

const key = ({ attackers }: AttackWorld) => attackers[0]!.key;

/** Messages that are begun, filled almost to their end, and never finished. */
function unfinished(token: ((world: AttackWorld) => string) | undefined) {
  return async (world: AttackWorld): Promise<Answers> => {
    const answers: Answers = {};
    using session = await openSession(world.addresses.gateway);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(16 * MIB - 1, 1);
    const chunk = Buffer.alloc(64 * 1024);
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        if (session.destroyed) return count(answers, "reset");
        const stream = begin(session, { path: BATCH, token: token?.(world), body: head, open: true });
        const ended = statusOf(stream, 40_000);
        for (let sent = 0; sent < 15 * MIB && !stream.closed && !stream.destroyed; sent += chunk.length) {
          if (!stream.write(chunk)) await eventOf(stream, ["drain", "close"], 500);
        }
        count(answers, await ended);
      }),
    );
    return answers;
  };
}

/** Connections that say nothing, or only the first bytes of HTTP/2. */
async function silentConnections({ addresses }: AttackWorld): Promise<Answers> {
  const answers: Answers = {};
  const [host = "", port = ""] = addresses.gateway.split(":");
  const sockets = Array.from({ length: 1_500 }, (_, i) => {
    const socket = connect({ host, port: Number(port) });
    socket.on("error", () => undefined);
    socket.resume();
    if (i % 2 === 0) socket.on("connect", () => socket.write(PREFACE.subarray(0, 10)));
    return socket;
  });
  await Promise.all(
    sockets.map(async (socket) => {
      if (!socket.closed) await eventOf(socket, ["close"], 25_000);
      count(answers, socket.closed ? "closed by the server" : "still open");
      socket.destroy();
    }),
  );
  return answers;
}

/** Frames that cost the server work and the sender nothing. */
function flood(name: string, frames: (stream: number) => Buffer) {
  return async ({ addresses }: AttackWorld): Promise<Answers> => {
    const [host = "", port = ""] = addresses.gateway.split(":");
    const answers: Answers = {};
    for (let connection = 0; connection < 3; connection++) {
      const socket = connect({ host, port: Number(port), noDelay: true });
      socket.on("error", () => undefined);
      let goAway = false;
      socket.on(
        "data",
        createFrameReader((type) => {
          if (type === FRAME.goAway) goAway = true;
        }),
      );
      await once(socket, "connect").catch(() => undefined);
      socket.write(Buffer.concat([PREFACE, settingsFrame([])]));
      const until = performance.now() + 4_000;
      for (let stream = 1; performance.now() < until && !socket.destroyed; stream += 2) {
        if (!socket.write(frames(stream))) await eventOf(socket, ["drain", "close"], 500);
        else if (stream % 200 === 1) await delay(0);
      }
      count(answers, goAway || socket.destroyed ? `${name}: connection ended` : `${name}: tolerated`);
      socket.destroy();
    }
    return answers;
  };
}

const rapidHeaders = repeatedHeaders([
  [":method", "POST"],
  [":scheme", "http"],
  [":path", SEND],
  [":authority", "attack"],
  ["content-type", "application/grpc"],
]);
const CANCEL = Buffer.from("00000008", "hex");
const rapidReset = (stream: number) =>
  Buffer.concat([
    frame(FRAME.headers, FLAG.endHeaders, stream, stream === 1 ? rapidHeaders.first : rapidHeaders.later),
    frame(FRAME.resetStream, 0, stream, CANCEL),
  ]);
const CONTINUATION = 9;
/** A header block that never ends. */
const endlessHeaders = (stream: number) =>
  stream === 1 ? frame(FRAME.headers, 0, 1, rapidHeaders.first) : frame(CONTINUATION, 0, 1, Buffer.alloc(8_192, 0x82));

const wrongKeys =
  (makeKey: () => string) =>
  async ({ addresses }: AttackWorld): Promise<Answers> => {
    const answers: Answers = {};
    for (let round = 0; round < 60; round++) {
      const some = await calls(addresses.gateway, 50, () => ({
        ...{ path: SEND, body: prefixed(Buffer.alloc(0)) },
        token: makeKey(),
      }));
      for (const [answer, times] of Object.entries(some)) answers[answer] = (answers[answer] ?? 0) + times;
    }
    return answers;
  };

/** Random bytes, and a valid request with some bytes changed, to every method of the public services. */
async function fuzz(world: AttackWorld): Promise<Answers> {
  const answers: Answers = {};
  const valid = Buffer.from(
    NotificationServiceService.sendNotification.requestSerialize({ notification: notification(), validateOnly: false }),
  );
  const paths = [SEND, BATCH, NotificationServiceService.getNotification.path, "/carillon.v1.ContactService/RegisterContact", CHECK];
  using session = await openSession(world.addresses.gateway);
  for (let round = 0; round < 60; round++) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const changed = Buffer.from(valid);
        for (let n = 0; n <= i % 5; n++) changed[randomBytes(2).readUInt16BE() % changed.length] = randomBytes(1)[0]!;
        const body = prefixed(i % 2 === 0 ? changed : randomBytes(1 + (i % 40)));
        count(answers, await call(session, { path: paths[i % paths.length]!, token: key(world), body }));
      }),
    );
  }
  return answers;
}

const REJECTED = ["UNAUTHENTICATED"];
/** What a request that breaks a rule may be answered; INTERNAL is not among them. */
const INVALID = ["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "OUT_OF_RANGE", "UNIMPLEMENTED"];
const noInternal = (answers: Answers) =>
  Object.entries(answers).flatMap(([answer, times]) => (/INTERNAL|UNKNOWN|no answer/.test(answer) ? [`${times} × ${answer}`] : []));

export const GRPC_ATTACKS: readonly Attack[] = [
  {
    ...{ name: "batch-bomb", target: "gateway", about: "4 × 3,500,000 empty items, gzip, 6.8 kB each, without a key" },
    ...{ run: gzipped(BATCH, "gateway"), faults: only(...REJECTED) },
  },
  {
    ...{ name: "batch-bomb-key", target: "gateway", about: "the same with a key" },
    ...{ run: gzipped(BATCH, "gateway", key), faults: only(...INVALID) },
  },
  {
    ...{ name: "check-bomb", target: "preferences", about: "the same on CheckPreferences, without the internal token" },
    ...{ run: gzipped(CHECK, "preferences"), faults: only(...REJECTED) },
  },
  {
    ...{ name: "scaler-bomb", target: "autoscaler", about: "the same on the autoscaler, which asks for no key" },
    ...{ run: gzipped(METRICS, "autoscaler"), faults: only(...INVALID, ...REJECTED) },
  },
  {
    ...{ name: "batch-dense", target: "gateway", about: "20 × 3,500,000 empty items, 7 MB uncompressed, with a key" },
    run: (world) => calls(world.addresses.gateway, 20, () => ({ path: BATCH, token: key(world), body: prefixed(emptyItems(3_500_000)) })),
    faults: only(...INVALID),
  },
  {
    ...{ name: "map-dense", target: "gateway", about: "20 notifications with 400,000 pairs of push data, with a key" },
    run: (world) => calls(world.addresses.gateway, 20, () => ({ path: SEND, token: key(world), body: prefixed(manyPairs(400_000)) })),
    faults: only(...INVALID),
  },
  {
    ...{ name: "nesting", target: "gateway", about: "20 messages of 400,000 nested groups, with a key" },
    run: (world) => calls(world.addresses.gateway, 20, () => ({ path: SEND, token: key(world), body: prefixed(nested(400_000)) })),
    faults: only(...INVALID),
  },
  {
    ...{ name: "unfinished", target: "gateway", about: "60 streams with 15 MiB of a message that never ends, without a key" },
    ...{ run: unfinished(undefined), faults: (answers) => only(...REJECTED, "reset")(answers) },
  },
  {
    ...{ name: "unfinished-key", target: "gateway", about: "the same with a key" },
    ...{ run: unfinished(key), faults: (answers) => only(...INVALID, "DEADLINE_EXCEEDED", "CANCELLED", "reset")(answers) },
  },
  {
    ...{ name: "silent-connections", target: "gateway", about: "1,500 connections that never say a whole preface" },
    ...{ run: silentConnections, faults: only("closed by the server") },
  },
  {
    ...{ name: "rapid-reset", target: "gateway", about: "requests that are cancelled as they begin, 4 s on each of 3 connections" },
    ...{ run: flood("rapid reset", rapidReset), faults: only("rapid reset: connection ended") },
  },
  {
    ...{ name: "ping-flood", target: "gateway", about: "PING frames, 4 s on each of 3 connections" },
    run: flood("ping", () => Buffer.concat(Array.from({ length: 50 }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))))),
  },
  {
    ...{ name: "settings-flood", target: "gateway", about: "SETTINGS frames, 4 s on each of 3 connections" },
    run: flood("settings", () => Buffer.concat(Array.from({ length: 50 }, () => settingsFrame([[3, 100]])))),
  },
  {
    ...{ name: "endless-headers", target: "gateway", about: "a header block that never ends, 4 s on each of 3 connections" },
    ...{ run: flood("endless headers", endlessHeaders), faults: only("endless headers: connection ended") },
  },
  {
    ...{ name: "wrong-keys", target: "gateway", about: "3,000 calls with 3,000 wrong keys" },
    run: wrongKeys(() => randomBytes(24).toString("base64url")),
    faults: only(...REJECTED),
  },
  {
    ...{ name: "well-formed-keys", target: "gateway", about: "3,000 calls with 3,000 keys that no app has, each with its checksum" },
    run: wrongKeys(() => createApiKey().key),
    // Beyond the rate of lookups: not known yet whether there is such a key.
    faults: only(...REJECTED, "UNAVAILABLE"),
  },
  {
    ...{ name: "fuzz", target: "gateway", about: "3,000 random or damaged messages to five methods, with a key" },
    run: fuzz,
    faults: noInternal,
  },
  {
    ...{ name: "reflection", target: "gateway", about: "2,000 reflection and health streams that stay open" },
    async run({ addresses }) {
      const answers: Answers = {};
      for (let connection = 0; connection < 20; connection++) {
        using session = await openSession(addresses.gateway);
        const streams = Array.from({ length: 100 }, (_, i) =>
          begin(session, {
            path: i % 2 === 0 ? "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo" : "/grpc.health.v1.Health/Watch",
            body: prefixed(Buffer.alloc(0)),
            open: true,
          }),
        );
        await delay(100);
        for (const stream of streams) count(answers, stream.closed || stream.destroyed ? "ended" : "open");
      }
      return answers;
    },
  },
];
