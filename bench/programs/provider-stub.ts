// A stub of the providers that are called over HTTP/1.1. It answers every send with success and reads no more of a request than its path and length,
// so that its CPU time does not limit the measurement.
import { readFileSync } from "node:fs";
import { createServer } from "node:tls";
import type { Channel } from "../../core/delivery/channel.ts";
import { answering } from "../answering.ts";
import { createRequestReader, type Request } from "../http1/requests.ts";
import { type Arrivals, createArrivals, type Watch } from "../load/arrivals.ts";
import { numberIn } from "../load/numbered.ts";
import { createStubReceipts, type StubReceipts } from "../load/stub-receipts.ts";

export interface StubQuestion {
  /** Begins to record the arrivals of these notifications of this channel, instead of those before. */
  watch?: Watch & { channel: Channel };
  /** The answer is an ArrivalsReport. */
  report?: boolean;
  /** From now on sends are followed by delivery receipts: to this base URL, signed with the keys of this sandbox's directory. */
  receipts?: { directory: string; target: string };
}

export interface StubState {
  origin: string;
  /** Requests answered so far. */
  taken: number;
  /** Absent where none are sent. */
  receipts?: ReturnType<StubReceipts["state"]>;
  /** The last one: what the bare transport sends again. */
  last: StubRequest | undefined;
}

export interface StubRequest {
  method: string;
  path: string;
  headers: readonly (readonly [name: string, value: string])[];
  /** base64. */
  body: string;
}

const JSON_TYPE = "content-type: application/json";

/** In an answer: where the message's own id stands. */
const ID = "0".repeat(32);

/** By the beginning of the path: what the provider answers to a send that it accepts. Ids are as long as real ones. */
const ANSWERS = new Map<string, Buffer>([
  ["/v1/projects/", answer("200 OK", [JSON_TYPE], { name: "projects/carillon-sandbox/messages/0:1500415314455276%31bd1c9631bd1c96" })],
  ["/wpush/", answer("201 Created", ["location: https://127.0.0.1/m/gAAAAABmE2bXy1kq", "ttl: 3600"])],
  ["/2010-04-01/", answer("201 Created", [JSON_TYPE], { sid: `SM${ID}`, status: "queued", error_code: null })],
  [
    "/sms/json",
    answer("200 OK", [JSON_TYPE], {
      "message-count": "1",
      messages: [{ to: "447700900123", "message-id": "0A0000000123ABCD1", status: "0", "remaining-balance": "3.14", network: "23410" }],
    }),
  ],
  ["/v3/mail/send", answer("202 Accepted", [`x-message-id: ${ID}`])],
  [
    "/api/1.3/messages/send",
    answer("200 OK", [JSON_TYPE], [{ email: "ann@example.org", status: "sent", _id: "a".repeat(32), reject_reason: null }]),
  ],
]);
const NOT_FOUND = answer("404 Not Found", []);

function answer(status: string, headers: readonly string[], body?: unknown): Buffer {
  const text = body === undefined ? "" : JSON.stringify(body);
  const general = ["date: Mon, 23 Nov 2026 12:00:00 GMT", "server: stub", "connection: keep-alive", `content-length: ${text.length}`];
  return Buffer.from(`${[`HTTP/1.1 ${status}`, ...general, ...headers].join("\r\n")}\r\n\r\n${text}`);
}

function answerTo({ path }: Request): Buffer {
  for (const [beginning, bytes] of ANSWERS) if (path.startsWith(beginning)) return bytes;
  return NOT_FOUND;
}

/** Answers, and reports on the send with the id in the answer. */
function answerAndReport(request: Request, write: (bytes: Buffer) => void): void {
  const bytes = answerTo(request);
  const at = receipts === undefined ? -1 : bytes.indexOf(ID);
  if (at < 0) {
    write(bytes);
    return;
  }
  const id = taken.toString(16).padStart(ID.length, "0");
  const own = Buffer.from(bytes);
  own.write(id, at, "latin1");
  write(own);
  receipts?.report(request, bytes.includes(`SM${ID}`) ? `SM${id}` : id);
}

const [certFile = "", keyFile = ""] = process.argv.slice(2);
let taken = 0;
let last: Request | undefined;
let watched: { channel: Channel; arrivals: Arrivals } | undefined;
let receipts: StubReceipts | undefined;
const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: ["http/1.1"] }, (socket) => {
  socket.setNoDelay(true);
  const read = createRequestReader((request) => {
    taken++;
    last = request;
    watched?.arrivals.record(numberIn(watched.channel, request));
    answerAndReport(request, (bytes) => socket.write(bytes));
  });
  socket.on("data", read);
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1");
answering(({ watch, report, receipts: wanted }: StubQuestion) => {
  if (watch) watched = { channel: watch.channel, arrivals: createArrivals(watch) };
  if (wanted) receipts = createStubReceipts(wanted.directory, wanted.target);
  if (report) return watched?.arrivals.report();
  const address = server.address();
  const state: StubState = {
    origin: `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    taken,
    last: last && copied(last),
  };
  return receipts ? { ...state, receipts: receipts.state() } : state;
});

function copied({ method, path, headers, body }: Request): StubRequest {
  const pairs = headers.split("\r\n").map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { method, path, headers: pairs, body: body.toString("base64") };
}
