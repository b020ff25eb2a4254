// Attacks on the listener for webhooks, which anybody can reach.
import { request } from "node:http";
import { connect } from "node:net";
import { type Attack, only } from "./attack.ts";
import { type Answers, count, eventOf } from "./grpc-wire.ts";
import type { AttackWorld } from "./world.ts";

const ANSWER_MS = 20_000;
const KIB = 1024;

interface Post {
  path: string;
  type: string;
  headers?: Record<string, string>;
  body: string | Buffer;
}

/** The HTTP status, or "closed". */
async function post({ addresses }: AttackWorld, { path, type, headers = {}, body }: Post): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const options = { method: "POST", agent: false as const, signal: AbortSignal.timeout(ANSWER_MS) };
  const outgoing = request(`http://${addresses.feedback}${path}`, { ...options, headers: { "content-type": type, ...headers } });
  outgoing.on("error", () => resolve("closed"));
  outgoing.on("response", (response) => {
    response.resume();
    resolve(`${response.statusCode}`);
  });
  outgoing.end(body);
  return promise;
}

const posts = (times: number, what: (i: number) => Post) => async (world: AttackWorld) => {
  const answers: Answers = {};
  await Promise.all(Array.from({ length: times }, async (_, i) => count(answers, await post(world, what(i)))));
  return answers;
};

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";
const now = () => Math.floor(Date.now() / 1_000);
/** What could be a signature: without it a body is not read at all. */
const SIGNATURE = Buffer.alloc(20, 7).toString("base64");
const REJECTED = ["400", "401", "404", "408", "413", "429", "431", "503", "closed"];
const SENDGRID = {
  "x-twilio-email-event-webhook-timestamp": String(now()),
  "x-twilio-email-event-webhook-signature": SIGNATURE,
};
const vonage = (body: string): Post => ({ path: "/vonage", type: JSON_TYPE, body });

/** One JSON document for each way to confuse whoever reads a signature's parameters. */
const CRAFTED = [
  () => `{"sig":"aa","timestamp":${now()},"status":"x","a":{"toString":1,"valueOf":1}}`,
  () => `{"sig":"aa","timestamp":${now()},"status":"x","__proto__":{"toString":1}}`,
  () => `{"sig":["aa"],"timestamp":[${now()}],"status":"x"}`,
  () => `{"sig":"aa","timestamp":{"valueOf":1},"status":"x"}`,
  () => `{"sig":"aa","timestamp":${now()},"status":"x","a":${"[".repeat(6_000)}${"]".repeat(6_000)}}`,
  () => `{"sig":"aa","timestamp":${now()},"status":"x","a=b&c":"1"}`,
  () => `{"sig":"aa","timestamp":"${"9".repeat(400)}","status":"x"}`,
  () => `[${"[".repeat(5_000)}`,
  () => "null",
];

/** Made once: the ordinary caller is measured in this process. */
const LARGE_FORM = Array.from({ length: 160_000 }, (_, n) => `${n.toString(36)}=`).join("&");

/** Bodies that are announced and never finished, one byte at a time. */
async function slowBodies({ addresses }: AttackWorld): Promise<Answers> {
  const answers: Answers = {};
  const [host = "", port = ""] = addresses.feedback.split(":");
  await Promise.all(
    Array.from({ length: 500 }, async () => {
      const socket = connect({ host, port: Number(port) });
      socket.on("error", () => undefined);
      let answer = "";
      socket.on("data", (bytes: Buffer) => {
        answer += bytes.toString("latin1");
      });
      const head = `POST /mandrill HTTP/1.1\r\nHost: x\r\nX-Mandrill-Signature: ${SIGNATURE}\r\nContent-Type: ${FORM}\r\nContent-Length: 1048000\r\n\r\n`;
      socket.write(head);
      socket.write(Buffer.alloc(500 * KIB, "a"));
      const until = performance.now() + 30_000;
      while (!socket.destroyed && performance.now() < until) {
        socket.write("a");
        await eventOf(socket, ["close"], 1_000);
      }
      count(answers, /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? (socket.destroyed ? "closed" : "still open"));
      socket.destroy();
    }),
  );
  return answers;
}

export const HTTP_ATTACKS: readonly Attack[] = [
  {
    ...{ name: "form-fields", target: "feedback", about: "40 forms of 1 MiB with 160,000 fields and a wrong signature" },
    run: posts(40, (i) => ({
      path: ["/twilio", "/vonage", "/mandrill", "/sendgrid"][i % 4]!,
      type: FORM,
      headers: { "x-twilio-signature": SIGNATURE, "x-mandrill-signature": SIGNATURE, ...SENDGRID },
      body: LARGE_FORM,
    })),
    faults: only(...REJECTED),
  },
  {
    ...{ name: "crafted-json", target: "feedback", about: "360 crafted JSON bodies to the Vonage webhook" },
    ...{ run: posts(360, (i) => vonage(CRAFTED[i % CRAFTED.length]!())), faults: only(...REJECTED) },
  },
  {
    ...{ name: "unsigned", target: "feedback", about: "400 bodies of 1 MiB without a signature" },
    run: posts(400, (i) => ({ path: ["/twilio", "/sendgrid"][i % 2]!, type: JSON_TYPE, body: Buffer.alloc(1_000 * KIB, "a") })),
    faults: only(...REJECTED),
  },
  {
    ...{ name: "slow-bodies", target: "feedback", about: "500 bodies of half a megabyte whose end never comes" },
    ...{ run: slowBodies, faults: only(...REJECTED) },
  },
  {
    ...{ name: "many-headers", target: "feedback", about: "200 requests with 30 kB of headers" },
    run: posts(200, () => ({
      path: "/twilio",
      type: FORM,
      headers: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`x-${i}`, "a".repeat(1_000)])),
      body: "a=b",
    })),
    faults: only(...REJECTED),
  },
];
