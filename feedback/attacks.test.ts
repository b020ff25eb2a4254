// What anybody on the internet can send to the public port, against the work it may cause: bytes read, webhooks verified in one turn.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { PROVIDERS } from "../providers/list.ts";
import type { WebhookReader } from "../providers/transport/webhook.ts";
import type { HttpRejection } from "../runtime/http/rejections.ts";
import { startHttpServer } from "../runtime/http/server.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { createFeedbackMetrics } from "./metrics.ts";
import { createFeedbackRoutes } from "./routes.ts";

const READERS = PROVIDERS.flatMap(({ webhook }) => (webhook ? [webhook.reader] : []));
const SIGNATURE = Buffer.alloc(20, 7).toString("base64");
/** Headers as of a signed request, with a signature that is none. */
const SIGNED: Record<string, Record<string, string>> = {
  twilio: { "x-twilio-signature": SIGNATURE },
  mandrill: { "x-mandrill-signature": SIGNATURE },
  sendgrid: { "x-twilio-email-event-webhook-timestamp": "1767614400", "x-twilio-email-event-webhook-signature": SIGNATURE },
  vonage: {},
};

async function serve(readers: readonly WebhookReader[] = READERS) {
  const lines: string[] = [];
  const rejected: HttpRejection[] = [];
  const log = createLogger("feedback", "debug", { write: (line) => lines.push(line) });
  const routes = createFeedbackRoutes({
    ...{ readers, keyOf: () => ({ secret: "secret", settings: {} }), publicUrl: () => "https://hooks.example.com" },
    ...{ apply: async () => assert.fail("nothing is applied"), takeText: async () => assert.fail("nothing is taken") },
    ...{ clock: createFakeClock(), log },
    metrics: createFeedbackMetrics(createMetrics("feedback")),
  });
  const onRejected = (reason: HttpRejection) => void rejected.push(reason);
  const server = await startHttpServer({ host: "127.0.0.1", port: 0, ready: () => true, log, routes, onRejected });
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { method: "POST", headers, body });
  return { port: server.port, lines, rejected, post, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const LARGE_FORM = "a=1&b=2&".repeat(80_000);

test("without a signature a request is answered 401 after its head, whatever its body", async () => {
  await using feedback = await serve();
  for (const provider of ["twilio", "mandrill", "sendgrid"]) {
    const socket = connect(feedback.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(`POST /${provider} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n`);
    const [answer] = await once(socket, "data");
    assert.match(String(answer), /^HTTP\/1.1 401 /, provider);
    await once(socket, "close");
  }
  assert.deepEqual(feedback.rejected, ["unsigned", "unsigned", "unsigned"]);
});

test("a form of 160,000 fields is not parsed, and what an SMS provider never sends is not read", async () => {
  let verified = 0;
  const counting = READERS.map((reader) => ({
    ...reader,
    verify(...given: Parameters<WebhookReader["verify"]>) {
      verified += 1;
      return reader.verify(...given);
    },
  }));
  await using feedback = await serve(counting);
  for (const provider of ["twilio", "vonage"])
    assert.equal((await feedback.post(`/${provider}`, LARGE_FORM, SIGNED[provider])).status, 413);
  assert.equal(verified, 0);
  for (const provider of ["mandrill", "sendgrid"])
    assert.equal((await feedback.post(`/${provider}`, LARGE_FORM, SIGNED[provider])).status, 401);
  assert.equal(verified, 2);
});

test("no odd body makes an error, a 5xx or a line per request", async () => {
  await using feedback = await serve();
  const now = createFakeClock().now() / 1_000;
  const bodies = [
    `{"sig":"aa","timestamp":${now},"status":"x","a":{"toString":1,"valueOf":1}}`,
    `{"sig":"aa","timestamp":${now},"status":"x","a":{"__proto__":{"toString":1}}}`,
    `{"sig":"aa","timestamp":{"valueOf":1},"status":["x"]}`,
    `{"sig":"aa","timestamp":${now},"a":${"[".repeat(8_000)}${"]".repeat(8_000)}}`,
    "[".repeat(16_000),
    "toString=1&valueOf=2&__proto__=3&sig=aa&timestamp=1",
    "mandrill_events=%5B%7B%22toString%22%3A1%7D%5D&mandrill_events=1",
    "%ZZ=%",
    "\u0000",
  ];
  for (const provider of Object.keys(SIGNED))
    for (const type of ["application/json", "application/x-www-form-urlencoded"])
      for (const body of bodies) {
        const { status } = await feedback.post(`/${provider}`, body, { ...SIGNED[provider], "content-type": type });
        assert.ok(status === 401 || status === 400, `${provider} ${status} ${body.slice(0, 60)}`);
      }
  assert.deepEqual(feedback.lines, []);
});

test("webhooks that arrive together are verified one in a turn, so that probes are answered in between", async () => {
  let turn = 0;
  const count = () => {
    turn += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const turns: number[] = [];
  const verify = () => {
    turns.push(turn);
    return false;
  };
  const [twilio] = READERS.filter(({ provider }) => provider === "twilio");
  await using feedback = await serve([{ ...twilio!, verify }]);
  const answers = await Promise.all(Array.from({ length: 30 }, () => feedback.post("/twilio", "a=1", SIGNED.twilio)));
  clearImmediate(next);
  assert.ok(answers.every(({ status }) => status === 401));
  assert.equal(new Set(turns).size, 30);
});
