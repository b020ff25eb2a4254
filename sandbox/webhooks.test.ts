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
async function startReceiver() {
  const received: Taken[] = [];
  const answers: number[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ url: request.url ?? "", headers: request.headers, body });
    response.writeHead(answers.shift() ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, received, answers, close };
}

let sandbox: Sandbox;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
before(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver();
  sandbox.webhooks.target(receiver.url);
});
afterEach(() => {
  receiver.received.length = 0;
  receiver.answers.length = 0;
  sandbox.faults.clear();
  sandbox.webhooks.target(receiver.url);
});
after(async () => {
  await sandbox[Symbol.asyncDispose]();
  await receiver.close();
});

/** The provider's own statuses in a request. */
const STATUSES_IN: Record<WebhookProvider, (body: string) => string[]> = {
  twilio: (body) => [new URLSearchParams(body).get("MessageStatus") ?? ""],
  vonage: (body) => [textOf(fieldsOf(parseJson(body)).status)],
  sendgrid: (body) => eventsIn(body),
  mandrill: (body) => eventsIn(new URLSearchParams(body).get("mandrill_events") ?? ""),
};
const eventsIn = (json: string) => listOf(parseJson(json)).map((event) => textOf(fieldsOf(event).event));
const eventsOf = (provider: WebhookProvider) => receiver.received.flatMap(({ body }) => STATUSES_IN[provider](body));

const STATUSES: Record<WebhookProvider, [accepted: string, delivered: string, undelivered: string]> = {
  twilio: ["sent", "delivered", "undelivered"],
  vonage: ["accepted", "delivered", "failed"],
  sendgrid: ["processed", "delivered", "bounce"],
  mandrill: ["send", "delivered", "hard_bounce"],
};

/** Vonage and Mandrill refuse a message with status 200. */
const REFUSALS: Record<WebhookProvider, { status: number; body: unknown }> = {
  twilio: { status: 400, body: { code: 21408, message: "Permission to send an SMS has not been enabled for the region" } },
  vonage: { status: 200, body: { "message-count": "1", messages: [{ status: "29", "error-text": "Non-Whitelisted Destination" }] } },
  sendgrid: { status: 400, body: { errors: [{ message: "bad" }] } },
  mandrill: { status: 200, body: [{ email: "ada@example.com", status: "rejected", _id: "1", reject_reason: "rule" }] },
};

const order = (provider: WebhookProvider, how: Omit<WebhookAction, "kind">) =>
  sandbox.faults.order({ provider, do: { kind: "webhooks", ...how } });
const send = (provider: WebhookProvider, text?: string) =>
  sendMessage(sandbox, provider, { attemptId: ATTEMPT, target: receiver.url, ...(text === undefined ? {} : { text }) });

for (const provider of WEBHOOK_PROVIDERS) {
  const [accepted, delivered, undelivered] = STATUSES[provider];
  const all = async (how: Omit<WebhookAction, "kind"> | undefined) => {
    receiver.received.length = 0;
    if (how) order(provider, how);
    await send(provider);
    await sandbox.webhooks.settled();
    return eventsOf(provider);
  };

  test(`${provider} reports a message as accepted, then delivered, after the send is answered`, async () => {
    assert.deepEqual(await all(undefined), [accepted, delivered]);
  });

  test(`${provider} reports other events on order`, async () => {
    assert.deepEqual(await all({ undelivered: true }), [accepted, undelivered]);
    assert.deepEqual(await all({ reversed: true }), [delivered, accepted]);
    assert.deepEqual((await all({ twice: true })).sort(), [accepted, accepted, delivered, delivered].sort());
    assert.deepEqual(await all({ never: true }), []);
    assert.deepEqual(await all({ lateMs: 0 }), [accepted, delivered]);
    assert.deepEqual(await all(undefined), [accepted, delivered], "an order is used up");
  });

  test(`${provider} reports every event before the send is answered, where ordered`, async () => {
    order(provider, { early: true });
    await send(provider);
    assert.deepEqual(eventsOf(provider), [accepted, delivered]);
  });

  test(`${provider} reports an accepted message even if its answer was cut or withheld, and no rejected one`, async () => {
    sandbox.faults.order({ provider, do: { kind: "cut-after" } });
    await assert.rejects(send(provider));
    await sandbox.webhooks.settled();
    assert.deepEqual(eventsOf(provider), [accepted, delivered]);
    receiver.received.length = 0;
    sandbox.faults.order({ provider, do: { kind: "cut-before" } });
    await assert.rejects(send(provider));
    sandbox.faults.order({ provider, do: { kind: "answer", status: 503 } });
    await send(provider);
    await sandbox.webhooks.settled();
    assert.deepEqual(eventsOf(provider), []);
  });

  test(`${provider} reports nothing of a message that an ordered answer refuses in the provider's own way`, async () => {
    sandbox.faults.order({ provider, do: { kind: "answer", ...REFUSALS[provider] } });
    await send(provider);
    await sandbox.webhooks.settled();
    assert.deepEqual(eventsOf(provider), []);
    assert.equal(sandbox.ledger.entries({ provider }).at(-1)?.accepted, false);
  });

  test(`${provider} repeats what is not answered 2xx`, async () => {
    const before = sandbox.webhooks.state();
    receiver.answers.push(503, 401);
    await send(provider);
    await sandbox.webhooks.settled();
    const statuses = eventsOf(provider);
    assert.ok(statuses.length === 4 && statuses.includes(accepted) && statuses.includes(delivered), statuses.join());
    const { told: count, repeated, givenUp } = sandbox.webhooks.state();
    assert.deepEqual([count - before.told, repeated - before.repeated, givenUp - before.givenUp], [2, 2, 0]);
  });
}

test("Twilio's callbacks have the form and the signature that its own SDK knows, and go where the message says", async () => {
  const answer = await send("twilio", "Żółć & more");
  await sandbox.webhooks.settled();
  const [{ url, headers, body } = assert.fail()] = receiver.received;
  const form = Object.fromEntries(new URLSearchParams(body));
  const { sid } = fieldsOf(answer.json);
  const from = envOf(sandbox, "TWILIO_FROM");
  const expected = { MessageSid: sid, SmsSid: sid, MessageStatus: "sent", SmsStatus: "sent", To: "+15551234567", From: from };
  assert.deepEqual(form, { ...expected, AccountSid: envOf(sandbox, "TWILIO_ACCOUNT_SID"), ApiVersion: "2010-04-01" });
  assert.equal(url, `/twilio?attempt=${encodeURIComponent(ATTEMPT)}`);
  const signature = String(headers["x-twilio-signature"]);
  assert.ok(twilioSdk.validateRequest(envOf(sandbox, "TWILIO_AUTH_TOKEN_FILE"), signature, `${receiver.url}${url}`, form));
});

test("Twilio reports to the target only: a callback elsewhere is not called", async () => {
  await sendMessage(sandbox, "twilio", { attemptId: ATTEMPT, target: sandbox.adminUrl });
  assert.equal(sandbox.webhooks.state().open, 0);
});

test("Vonage reports each part, signed by SHA-256 HMAC", async () => {
  const answer = await send("vonage", "x".repeat(161));
  await sandbox.webhooks.settled();
  const ids = listOf(fieldsOf(answer.json).messages).map((message) => fieldsOf(message)["message-id"]);
  assert.equal(ids.length, 2);
  const receipts = receiver.received.map(({ body }) => fieldsOf(parseJson(body)));
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
  const [{ headers, body } = assert.fail()] = receiver.received;
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
  const [{ url, headers, body } = assert.fail()] = receiver.received;
  const events = new URLSearchParams(body).get("mandrill_events") ?? "";
  const event = fieldsOf(listOf(parseJson(events))[0]);
  assert.equal(event._id, fieldsOf(listOf(answer.json)[0])._id);
  assert.equal(fieldsOf(fieldsOf(event.msg).metadata).carillon_attempt, ATTEMPT);
  const expected = createHmac("sha1", envOf(sandbox, "MANDRILL_WEBHOOK_KEY_FILE")).update(`${receiver.url}${url}mandrill_events${events}`);
  assert.equal(headers["x-mandrill-signature"], expected.digest("base64"));
});

test("an undelivered message has the reason that was ordered", async () => {
  const statuses: Record<WebhookProvider, string> = { twilio: "30005", vonage: "9", sendgrid: "dropped", mandrill: "soft_bounce" };
  for (const provider of WEBHOOK_PROVIDERS) {
    order(provider, { undelivered: statuses[provider], early: true });
    await send(provider);
  }
  const bodies = receiver.received.map(({ body }) => decodeURIComponent(body)).join("\n");
  for (const part of ["ErrorCode=30005", '"err-code":"9"', '"event":"dropped"', '"event":"soft_bounce"'])
    assert.ok(bodies.includes(part), part);
});

test("without a target no webhook is sent, and webhooks are given up after TRIES_MAX while the receiver is unavailable", async () => {
  sandbox.webhooks.target(undefined);
  await send("mandrill");
  assert.equal(sandbox.webhooks.state().open, 0);
  const gone = await startReceiver();
  await gone.close();
  sandbox.webhooks.target(gone.url);
  const before = sandbox.webhooks.state();
  order("mandrill", { twice: true });
  await send("mandrill");
  await sandbox.webhooks.settled();
  const { givenUp, repeated } = sandbox.webhooks.state();
  assert.deepEqual([givenUp - before.givenUp, repeated - before.repeated], [4, 4 * (TRIES_MAX - 1)]);
  assert.deepEqual(receiver.received, []);
});

test("the admin API shows the target and the progress of the webhooks", async () => {
  const admin = (body?: unknown) =>
    http1(sandbox, `${sandbox.adminUrl}/webhooks`, body === undefined ? { method: "GET" } : { body: JSON.stringify(body) });
  assert.equal(fieldsOf((await admin({ target: `${receiver.url}/` })).json).target, receiver.url);
  await send("sendgrid");
  await sandbox.webhooks.settled();
  assert.deepEqual(eventsOf("sendgrid"), ["processed", "delivered"]);
  assert.equal(fieldsOf((await admin()).json).open, 0);
  for (const target of ["", "nowhere", "https://hooks.example.com", 7]) assert.equal((await admin({ target })).status, 400, String(target));
  assert.equal((await admin({ target: null })).status, 200);
  assert.equal(sandbox.webhooks.state().target, undefined);
});

test("an invalid order of webhooks is rejected with its rule, and a valid one never applies to a request", () => {
  const wrong = [
    { provider: "apns", do: { kind: "webhooks" } },
    { provider: "twilio-status-query", do: { kind: "webhooks" } },
    { provider: "twilio", do: { kind: "webhooks", lateMs: -1 } },
    { provider: "twilio", do: { kind: "webhooks", early: "yes" } },
    { provider: "twilio", do: { kind: "webhooks", undelivered: "two statuses" } },
    { provider: "twilio", do: { kind: "webhooks", undelivered: 7 } },
  ];
  for (const one of wrong) assert.equal(typeof sandbox.faults.mistakeIn(one), "string", JSON.stringify(one));
  order("twilio", { twice: true });
  assert.equal(sandbox.faults.take("twilio", "", ""), undefined);
  assert.equal(sandbox.faults.takeWebhooks("vonage", "", ""), undefined);
  assert.equal(sandbox.faults.takeWebhooks("twilio", "", "")?.twice, true);
});

test("disposal gives up waiting webhooks", async () => {
  const other = await startTestSandbox();
  other.webhooks.target(receiver.url);
  other.faults.order({ provider: "mandrill", do: { kind: "webhooks", lateMs: 60_000 } });
  await sendMessage(other, "mandrill", { attemptId: ATTEMPT, target: receiver.url });
  receiver.answers.push(503);
  await sendMessage(other, "sendgrid", { attemptId: ATTEMPT, target: receiver.url });
  await other[Symbol.asyncDispose]();
  await other.webhooks.settled();
});
