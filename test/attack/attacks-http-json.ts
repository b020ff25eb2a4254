// Attacks on the gateway's HTTP/JSON port, which anybody may reach.
import { request } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { type Attack, only } from "./attack.ts";
import { type Answers, count, eventOf } from "./grpc-wire.ts";
import type { AttackWorld } from "./world.ts";

const ANSWER_MS = 20_000;
const MIB = 1024 * 1024;
/** How long a slow sender goes on, in ms. */
const SLOW_MS = 30_000;

interface Post {
  method?: "SendNotification" | "BatchSendNotifications";
  /** Of a known caller unless it is false. */
  isKnown?: boolean;
  headers?: Record<string, string>;
  body: string | Buffer;
}

const pathOf = ({ method = "SendNotification" }: Post) => `/carillon.v1.NotificationService/${method}`;
const headersOf = ({ attackers }: AttackWorld, { isKnown = true, headers }: Post, i: number): Record<string, string> => ({
  authorization: `Bearer ${isKnown ? attackers[i % attackers.length]!.key : "ck_guess"}`,
  "content-type": "application/json",
  ...headers,
});

/** The HTTP status, or "closed". */
async function post(world: AttackWorld, what: Post, i: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const options = { method: "POST", agent: false as const, signal: AbortSignal.timeout(ANSWER_MS), headers: headersOf(world, what, i) };
  const outgoing = request(`http://${world.httpJson}${pathOf(what)}`, options);
  outgoing.on("error", () => resolve("closed"));
  outgoing.on("response", (response) => {
    response.resume();
    resolve(`${response.statusCode}`);
  });
  outgoing.end(what.body);
  return promise;
}

const posts = (times: number, what: Post) => async (world: AttackWorld) => {
  const answers: Answers = {};
  await Promise.all(Array.from({ length: times }, async (_, i) => count(answers, await post(world, what, i))));
  return answers;
};

/** Connections that send a beginning, then a byte a second, and are never done. */
const slow = (times: number, beginning: (world: AttackWorld, i: number) => readonly (string | Buffer)[]) => async (world: AttackWorld) => {
  const answers: Answers = {};
  const [host = "", port = ""] = world.httpJson.split(":");
  await Promise.all(
    Array.from({ length: times }, async (_, i) => {
      const socket = connect({ host, port: Number(port) });
      socket.on("error", () => undefined);
      let answer = "";
      socket.on("data", (bytes: Buffer) => {
        answer += bytes.toString("latin1");
      });
      for (const piece of beginning(world, i)) socket.write(piece);
      const until = performance.now() + SLOW_MS;
      while (!socket.destroyed && performance.now() < until) {
        socket.write(" ");
        await eventOf(socket, ["close"], 1_000);
      }
      count(answers, /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? (socket.destroyed ? "closed" : "still open"));
      socket.destroy();
    }),
  );
  return answers;
};

function headOf(world: AttackWorld, what: Post, i: number, length: number): string {
  const lines = Object.entries(headersOf(world, what, i)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${pathOf(what)} HTTP/1.1\r\nhost: x\r\n${lines.join("")}content-length: ${length}\r\n\r\n`;
}

/** Requests sent at once over one connection, whose answers nobody reads. */
async function pipelined(world: AttackWorld): Promise<Answers> {
  const answers: Answers = {};
  const [host = "", port = ""] = world.httpJson.split(":");
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const socket = connect({ host, port: Number(port) });
      socket.on("error", () => undefined);
      socket.pause();
      const one = `${headOf(world, { body: "" }, i, 2)}{}`;
      socket.write(one.repeat(5_000));
      await delay(SLOW_MS / 2);
      // Whoever does not read does not learn of the end either.
      socket.resume();
      await eventOf(socket, ["close"], SLOW_MS / 2);
      count(answers, socket.destroyed ? "closed" : "still open");
      socket.destroy();
    }),
  );
  return answers;
}

const batch = (body: string | Buffer, more: Partial<Post> = {}): Post => ({ method: "BatchSendNotifications", body, ...more });
/** As many keys and values as a body may have. */
const most = `{"notification": {${Array.from({ length: 16_000 }, (_, i) => `"f${i}":1`).join()}}}`;
const nested = `${'{"notification":'.repeat(50_000)}1${"}".repeat(50_000)}`;
const sameKey = `{"notification": {${'"category":"a",'.repeat(60_000)}"category":"a"}}`;
const manyItems = `{"notifications": [${"{},".repeat(1_000_000)}{}]}`;
const unknownFields = `{"notification": {${Array.from({ length: 60_000 }, (_, i) => `"f${i}":1`).join()}}}`;
const longNumber = `{"notification": {"ttlSeconds": ${"9".repeat(MIB - 100)}}}`;
const REJECTED = ["400", "401", "408", "413", "415", "429", "431", "closed"];
const target = "gateway";

export const HTTP_JSON_ATTACKS: readonly Attack[] = [
  {
    ...{ name: "json-large", target, about: "60 JSON batches of 4 MB, without a key" },
    ...{ run: posts(60, batch(Buffer.alloc(4_000_000, " "), { isKnown: false })), faults: only("401", "closed") },
  },
  {
    ...{ name: "json-large-key", target, about: "the same with a key" },
    ...{ run: posts(60, batch(Buffer.alloc(4_000_000, " "))), faults: only("400", "429", "closed") },
  },
  {
    ...{ name: "json-items", target, about: "20 JSON batches of 1,000,001 empty items, 3 MB, with a key" },
    ...{ run: posts(20, batch(manyItems)), faults: only(...REJECTED) },
  },
  {
    ...{ name: "json-nesting", target, about: "100 JSON bodies of 50,000 objects within one another, with a key" },
    ...{ run: posts(100, { body: nested }), faults: only("400", "429") },
  },
  {
    ...{ name: "json-same-key", target, about: "100 JSON bodies with one key 60,001 times, with a key" },
    ...{ run: posts(100, { body: sameKey }), faults: only("400", "429") },
  },
  {
    ...{ name: "json-unknown-fields", target, about: "100 JSON bodies with 60,000 unknown fields, with a key" },
    ...{ run: posts(100, { body: unknownFields }), faults: only("400", "429") },
  },
  {
    ...{ name: "json-most-fields", target, about: "the same with 16,000, which are parsed" },
    ...{ run: posts(200, { body: most }), faults: only("400", "429") },
  },
  {
    ...{ name: "json-long-number", target, about: "100 JSON bodies with a number of a million digits, with a key" },
    ...{ run: posts(100, { body: longNumber }), faults: only("400", "429") },
  },
  {
    ...{ name: "json-gzip", target, about: "200 compressed JSON bodies that unfold to 100 MB, with a key" },
    ...{
      run: posts(200, { body: gzipSync(Buffer.alloc(100 * MIB, " ")), headers: { "content-encoding": "gzip" } }),
      faults: only("415", "closed"),
    },
  },
  {
    ...{ name: "json-huge-head", target, about: "200 requests with 30 kB of headers, with a key" },
    ...{ run: posts(200, { body: "{}", headers: { "x-large": "a".repeat(30_000) } }), faults: only("431", "closed") },
  },
  {
    ...{ name: "json-slow-bodies", target, about: "600 JSON bodies of half a megabyte whose end never comes, with a key" },
    run: slow(600, (world, i) => [headOf(world, { body: "" }, i, MIB), Buffer.alloc(MIB / 2, " ")]),
    faults: only(...REJECTED),
  },
  {
    ...{ name: "json-silent", target, about: "1,500 connections that never say a whole head" },
    run: slow(1_500, () => ["POST /carillon.v1.NotificationService/SendNotification HTTP/1.1\r\nx-slow:"]),
    faults: only(...REJECTED),
  },
  {
    ...{ name: "json-pipelined", target, about: "5,000 requests at once on each of 20 connections, whose answers nobody reads" },
    ...{ run: pipelined, faults: only("closed") },
  },
];
