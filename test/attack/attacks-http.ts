// Attacks on the listener for webhooks, which anybody can reach.
import { type Attack, only } from "./attack.ts";
import { atOnce, post, sendSlowly } from "./http-wire.ts";
import type { AttackWorld } from "./world.ts";

const KIB = 1024;

interface Post {
  path: string;
  type: string;
  headers?: Record<string, string>;
  body: string | Buffer;
}

const posts = (times: number, what: (i: number) => Post) => (world: AttackWorld) =>
  atOnce(times, (i) => {
    const { path, type, headers, body } = what(i);
    return post(`http://${world.addresses.feedback}${path}`, { "content-type": type, ...headers }, body);
  });

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
const slowBodies = ({ addresses }: AttackWorld) => {
  const head = `POST /mandrill HTTP/1.1\r\nHost: x\r\nX-Mandrill-Signature: ${SIGNATURE}\r\nContent-Type: ${FORM}\r\nContent-Length: 1048000\r\n\r\n`;
  return atOnce(500, () => sendSlowly(addresses.feedback, [head, Buffer.alloc(500 * KIB, "a")], "a"));
};

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
