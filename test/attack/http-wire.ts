// HTTP/1.1 by hand: requests in any number, and senders that are never done.
import { request } from "node:http";
import { connect } from "node:net";
import { type Answers, count, eventOf } from "./grpc-wire.ts";

/** Longest wait for an answer, in ms. */
const ANSWER_MS = 20_000;
/** How long a slow sender goes on, in ms. */
export const SLOW_MS = 30_000;

/** POSTs on a connection of its own. Resolves with the HTTP status, or "closed". */
export async function post(url: string, headers: Record<string, string>, body: string | Buffer): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const options = { method: "POST", agent: false as const, signal: AbortSignal.timeout(ANSWER_MS), headers };
  const outgoing = request(url, options);
  outgoing.on("error", () => resolve("closed"));
  outgoing.on("response", (response) => {
    response.resume();
    resolve(`${response.statusCode}`);
  });
  outgoing.end(body);
  return promise;
}

/**
 * Sends a beginning, then a byte a second, and is never done. Resolves with the HTTP status, or what the connection is after SLOW_MS.
 * @param address host:port
 */
export async function sendSlowly(address: string, beginning: readonly (string | Buffer)[], byte: string): Promise<string> {
  const [host = "", port = ""] = address.split(":");
  const socket = connect({ host, port: Number(port) });
  socket.on("error", () => undefined);
  let answer = "";
  socket.on("data", (bytes: Buffer) => {
    answer += bytes.toString("latin1");
  });
  for (const piece of beginning) socket.write(piece);
  const until = performance.now() + SLOW_MS;
  while (!socket.destroyed && performance.now() < until) {
    socket.write(byte);
    await eventOf(socket, ["close"], 1_000);
  }
  const outcome = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? (socket.destroyed ? "closed" : "still open");
  socket.destroy();
  return outcome;
}

/** Does something so many times at once, and counts its answers. */
export async function atOnce(times: number, one: (i: number) => Promise<string>): Promise<Answers> {
  const answers: Answers = {};
  await Promise.all(Array.from({ length: times }, async (_, i) => count(answers, await one(i))));
  return answers;
}
