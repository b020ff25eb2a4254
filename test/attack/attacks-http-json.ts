// Attacks on the gateway's HTTP/JSON port, which anybody may reach.
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { type Attack, only } from "./attack.ts";
import { eventOf } from "./grpc-wire.ts";
import { atOnce, post, SLOW_MS, sendSlowly } from "./http-wire.ts";
import type { AttackWorld } from "./world.ts";

const MIB = 1024 * 1024;

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

const posts = (times: number, what: Post) => (world: AttackWorld) =>
  atOnce(times, (i) => post(`http://${world.httpJson}${pathOf(what)}`, headersOf(world, what, i), what.body));

/** Connections that send a beginning, then a byte a second, and are never done. */
const slow = (times: number, beginning: (world: AttackWorld, i: number) => readonly (string | Buffer)[]) => (world: AttackWorld) =>
  atOnce(times, (i) => sendSlowly(world.httpJson, beginning(world, i), " "));

function headOf(world: AttackWorld, what: Post, i: number, length: number): string {
  const lines = Object.entries(headersOf(world, what, i)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${pathOf(what)} HTTP/1.1\r\nhost: x\r\n${lines.join("")}content-length: ${length}\r\n\r\n`;
}

/** Requests sent at once over one connection, whose answers nobody reads. */
const pipelined = (world: AttackWorld) =>
  atOnce(20, async (i) => {
    const [host = "", port = ""] = world.httpJson.split(":");
    const socket = connect({ host, port: Number(port) });
    socket.on("error", () => undefined);
    socket.pause();
    const one = `${headOf(world, { body: "" }, i, 2)}{}`;
    socket.write(one.repeat(5_000));
    await delay(SLOW_MS / 2);
    // Whoever does not read does not learn of the end either.
    socket.resume();
    await eventOf(socket, ["close"], SLOW_MS / 2);
    const outcome = socket.destroyed ? "closed" : "still open";
    socket.destroy();
    return outcome;
  });

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
