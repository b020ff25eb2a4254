import assert from "node:assert/strict";
import { createHmac, createPublicKey, verify } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { after, afterEach, before, test } from "node:test";
import twilioSdk from "twilio";
import { ATTEMPT, envOf, http1, startTestSandbox } from "../test/support/raw-client.ts";
import { sendMessage, WEBHOOK_PROVIDERS, type WebhookProvider } from "../test/support/webhook-sends.ts";
import type { WebhookAction } from "./kit/faults.ts";
import { fieldsOf, listOf, parseJson, textOf } from "./kit/read.ts";
import { TRIES_MAX } from "./kit/webhook-post.ts";
import type { Sandbox } from "./main.ts";

interface Taken {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Takes webhooks; the statuses in `answers` come first, then 200. */
async function startTaker() {
  const taken: Taken[] = [];
  const answers: number[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    taken.push({ url: request.url ?? "", headers: request.headers, body });
    response.writeHead(answers.shift() ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, taken, answers, close };
}

let sandbox: Sandbox;
let taker: Awaited<ReturnType<typeof startTaker>>;
before(async () => {
  sandbox = await startTestSandbox();
  taker = await startTaker();
  sandbox.webhooks.target(taker.url);
});
afterEach(() => {
  taker.taken.length = 0;
  taker.answers.length = 0;
  sandbox.faults.clear();
  sandbox.webhooks.target(taker.url);
});
after(async () => {
  await sandbox[Symbol.asyncDispose]();
  await taker.close();
});

/** The provider's own words in a request. */
const WORDS_IN: Record<WebhookProvider, (body: string) => string[]> = {
  twilio: (body) => [new URLSearchParams(body).get("MessageStatus") ?? ""],
  vonage: (body) => [textOf(fieldsOf(parseJson(body)).status)],
  sendgrid: (body) => eventsIn(body),
  mandrill: (body) => eventsIn(new URLSearchParams(body).get("mandrill_events") ?? ""),
};
const eventsIn = (json: string) => listOf(parseJson(json)).map((event) => textOf(fieldsOf(event).event));
const told = (provider: WebhookProvider) => taker.taken.flatMap(({ body }) => WORDS_IN[provider](body));

const WORDS: Record<WebhookProvider, [accepted: string, delivered: string, undelivered: string]> = {
  twilio: ["sent", "delivered", "undelivered"],
  vonage: ["accepted", "delivered", "failed"],
  sendgrid: ["processed", "delivered", "bounce"],
  mandrill: ["send", "delivered", "hard_bounce"],
};

const order = (provider: WebhookProvider, how: Omit<WebhookAction, "kind">) =>
  sandbox.faults.order({ provider, do: { kind: "webhooks", ...how } });
const send = (provider: WebhookProvider, text?: string) =>
  sendMessage(sandbox, provider, { attemptId: ATTEMPT, target: taker.url, ...(text === undefined ? {} : { text }) });

for (const provider of WEBHOOK_PROVIDERS) {
  const [accepted, delivered, undelivered] = WORDS[provider];
  const all = async (how: Omit<WebhookAction, "kind"> | undefined) => {
    taker.taken.length = 0;
    if (how) order(provider, how);
    await send(provider);
    await sandbox.webhooks.settled();
    return told(provider);
  };

  test(`${provider} tells that a message was accepted, then delivered, after the send is answered`, async () => {
    assert.deepEqual(await all(undefined), [accepted, delivered]);
  });

  test(`${provider} tells otherwise on order`, async () => {
    assert.deepEqual(await all({ undelivered: true }), [accepted, undelivered]);
    assert.deepEqual(await all({ reversed: true }), [delivered, accepted]);
    assert.deepEqual((await all({ twice: true })).sort(), [accepted, accepted, delivered, delivered].sort());
    assert.deepEqual(await all({ never: true }), []);
    assert.deepEqual(await all({ lateMs: 0 }), [accepted, delivered]);
    assert.deepEqual(await all(undefined), [accepted, delivered], "an order is used up");
  });

  test(`${provider} tells early what is ordered so: all of it before the send is answered`, async () => {
    order(provider, { early: true });
    await send(provider);
    assert.deepEqual(told(provider), [accepted, delivered]);
  });

  test(`${provider} tells of what it took also where its answer was cut or withheld, never of what it rejected`, async () => {
    sandbox.faults.order({ provider, do: { kind: "cut-after" } });
    await assert.rejects(send(provider));
    await sandbox.webhooks.settled();
    assert.deepEqual(told(provider), [accepted, delivered]);
    taker.taken.length = 0;
    sandbox.faults.order({ provider, do: { kind: "cut-before" } });
    await assert.rejects(send(provider));
    sandbox.faults.order({ provider, do: { kind: "answer", status: 503 } });
    await send(provider);
    await sandbox.webhooks.settled();
    assert.deepEqual(told(provider), []);
  });

  test(`${provider} repeats what is not answered 2xx`, async () => {
    const before = sandbox.webhooks.state();
    taker.answers.push(503, 401);
    await send(provider);
    await sandbox.webhooks.settled();
    const words = told(provider);
    assert.ok(words.length === 4 && words.includes(accepted) && words.includes(delivered), words.join());
    const { told: count, repeated, givenUp } = sandbox.webhooks.state();
    assert.deepEqual([count - before.told, repeated - before.repeated, givenUp - before.givenUp], [2, 2, 0]);
  });
}

test("Twilio's callbacks have the form and the signature that its own SDK knows, and go where the message says", async () => {
  const answer = await send("twilio", "Żółć & more");
  await sandbox.webhooks.settled();
  const [{ url, headers, body } = assert.fail()] = taker.taken;
  const form = Object.fromEntries(new URLSearchParams(body));
  const { sid } = fieldsOf(answer.json);
  const from = envOf(sandbox, "TWILIO_FROM");
  const said = { MessageSid: sid, SmsSid: sid, MessageStatus: "sent", SmsStatus: "sent", To: "+15551234567", From: from };
  assert.deepEqual(form, { ...said, AccountSid: envOf(sandbox, "TWILIO_ACCOUNT_SID"), ApiVersion: "2010-04-01" });
  assert.equal(url, `/twilio?attempt=${encodeURIComponent(ATTEMPT)}`);
  const signature = String(headers["x-twilio-signature"]);
  assert.ok(twilioSdk.validateRequest(envOf(sandbox, "TWILIO_AUTH_TOKEN_FILE"), signature, `${taker.url}${url}`, form));
});

test("Twilio tells nobody but the target: a callback elsewhere is not called", async () => {
  await sendMessage(sandbox, "twilio", { attemptId: ATTEMPT, target: sandbox.adminUrl });
  assert.equal(sandbox.webhooks.state().open, 0);
});

test("Vonage tells of each part, signed by SHA-256 HMAC", async () => {
  const answer = await send("vonage", "x".repeat(161));
  await sandbox.webhooks.settled();
  const ids = listOf(fieldsOf(answer.json).messages).map((message) => fieldsOf(message)["message-id"]);
  assert.equal(ids.length, 2);
  const receipts = taker.taken.map(({ body }) => fieldsOf(parseJson(body)));
  assert.deepEqual(
    receipts
      .filter((r) => r.status === "delivered")
      .map((r) => r.messageId)
      .sort(),
    ids.sort(),
  );
  for (const { sig, ...params } of receipts) {
    assert.deepEqual([params.msisdn, params["client-ref"], params["err-code"]], ["15551234567", ATTEMPT, "0"]);
    const text = Object.entries(params)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `&${name}=${value}`)
      .join("");
    assert.equal(
      textOf(sig).toLowerCase(),
      createHmac("sha256", envOf(sandbox, "VONAGE_SIGNATURE_SECRET_FILE")).update(text).digest("hex"),
    );
  }
});

test("SendGrid's events carry the custom arguments and the message's id, and its key signed time and body", async () => {
  const answer = await send("sendgrid");
  await sandbox.webhooks.settled();
  const [{ headers, body } = assert.fail()] = taker.taken;
  const event = fieldsOf(listOf(parseJson(body))[0]);
  assert.deepEqual([event.email, event.carillon_attempt], ["ada@example.com", ATTEMPT]);
  assert.ok(textOf(event.sg_message_id).startsWith(`${answer.headers["x-message-id"]}.`));
  const der = Buffer.from(envOf(sandbox, "SENDGRID_WEBHOOK_PUBLIC_KEY_FILE"), "base64");
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  const signature = Buffer.from(String(headers["x-twilio-email-event-webhook-signature"]), "base64");
  assert.ok(verify("sha256", Buffer.from(`${headers["x-twilio-email-event-webhook-timestamp"]}${body}`), key, signature));
});

test("Mandrill's events carry the metadata and the message's id, and the webhook's key signed them", async () => {
  const answer = await send("mandrill");
  await sandbox.webhooks.settled();
  const [{ url, headers, body } = assert.fail()] = taker.taken;
  const events = new URLSearchParams(body).get("mandrill_events") ?? "";
  const event = fieldsOf(listOf(parseJson(events))[0]);
  assert.equal(event._id, fieldsOf(listOf(answer.json)[0])._id);
  assert.equal(fieldsOf(fieldsOf(event.msg).metadata).carillon_attempt, ATTEMPT);
  const expected = createHmac("sha1", envOf(sandbox, "MANDRILL_WEBHOOK_KEY_FILE")).update(`${taker.url}${url}mandrill_events${events}`);
  assert.equal(headers["x-mandrill-signature"], expected.digest("base64"));
});

test("what did not arrive has the provider's word that was ordered", async () => {
  const words: Record<WebhookProvider, string> = { twilio: "30005", vonage: "9", sendgrid: "dropped", mandrill: "soft_bounce" };
  for (const provider of WEBHOOK_PROVIDERS) {
    order(provider, { undelivered: words[provider], early: true });
    await send(provider);
  }
  const bodies = taker.taken.map(({ body }) => decodeURIComponent(body)).join("\n");
  for (const part of ["ErrorCode=30005", '"err-code":"9"', '"event":"dropped"', '"event":"soft_bounce"'])
    assert.ok(bodies.includes(part), part);
});

test("nobody is told without a target, and what has begun is given up once nobody takes it", async () => {
  sandbox.webhooks.target(undefined);
  await send("mandrill");
  assert.equal(sandbox.webhooks.state().open, 0);
  const gone = await startTaker();
  await gone.close();
  sandbox.webhooks.target(gone.url);
  const before = sandbox.webhooks.state();
  order("mandrill", { twice: true });
  await send("mandrill");
  await sandbox.webhooks.settled();
  const { givenUp, repeated } = sandbox.webhooks.state();
  assert.deepEqual([givenUp - before.givenUp, repeated - before.repeated], [4, 4 * (TRIES_MAX - 1)]);
  assert.deepEqual(taker.taken, []);
});

test("the admin API names the target and shows how far the telling is", async () => {
  const admin = (body?: unknown) =>
    http1(sandbox, `${sandbox.adminUrl}/webhooks`, body === undefined ? { method: "GET" } : { body: JSON.stringify(body) });
  assert.equal(fieldsOf((await admin({ target: `${taker.url}/` })).json).target, taker.url);
  await send("sendgrid");
  await sandbox.webhooks.settled();
  assert.deepEqual(told("sendgrid"), ["processed", "delivered"]);
  assert.equal(fieldsOf((await admin()).json).open, 0);
  for (const target of ["", "nowhere", "https://hooks.example.com", 7]) assert.equal((await admin({ target })).status, 400, String(target));
  assert.equal((await admin({ target: null })).status, 200);
  assert.equal(sandbox.webhooks.state().target, undefined);
});

test("orders of webhooks that make no sense say why, and are none of a request's", () => {
  const wrong = [
    { provider: "apns", do: { kind: "webhooks" } },
    { provider: "twilio-status-query", do: { kind: "webhooks" } },
    { provider: "twilio", do: { kind: "webhooks", lateMs: -1 } },
    { provider: "twilio", do: { kind: "webhooks", early: "yes" } },
    { provider: "twilio", do: { kind: "webhooks", undelivered: "two words" } },
    { provider: "twilio", do: { kind: "webhooks", undelivered: 7 } },
  ];
  for (const one of wrong) assert.equal(typeof sandbox.faults.mistakeIn(one), "string", JSON.stringify(one));
  order("twilio", { twice: true });
  assert.equal(sandbox.faults.take("twilio", "", ""), undefined);
  assert.equal(sandbox.faults.takeWebhooks("vonage", "", ""), undefined);
  assert.equal(sandbox.faults.takeWebhooks("twilio", "", "")?.twice, true);
});

test("disposal gives up what waits to be told", async () => {
  const other = await startTestSandbox();
  other.webhooks.target(taker.url);
  other.faults.order({ provider: "mandrill", do: { kind: "webhooks", lateMs: 60_000 } });
  await sendMessage(other, "mandrill", { attemptId: ATTEMPT, target: taker.url });
  taker.answers.push(503);
  await sendMessage(other, "sendgrid", { attemptId: ATTEMPT, target: taker.url });
  await other[Symbol.asyncDispose]();
  await other.webhooks.settled();
});
