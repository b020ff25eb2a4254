import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { readConfig } from "../../runtime/config.ts";
import type { FaultAction, Sandbox } from "../../sandbox/main.ts";
import { withAccessToken } from "../../sandbox/smtp/index.ts";
import { SAMPLE_NOW, sampleEmail } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { describeProviderContract } from "../../test/support/provider-contract.ts";
import { deadlineOnce } from "../../test/support/provider-scene.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { fieldOf } from "../transport/foreign.ts";
import { smtpVariables } from "./config.ts";
import { createSmtpProvider } from "./provider.ts";
import { attemptOfReturnPath } from "./return-path.ts";

type Env = Record<string, string>;
const create = (env: Env) => createSmtpProvider(readConfig(smtpVariables, env), { clock: createFakeClock(SAMPLE_NOW) });
const at = (origin: string, env: Env) => ({ ...env, SMTP_HOST: new URL(origin).hostname, SMTP_PORT: new URL(origin).port });

describeProviderContract({
  name: "smtp",
  create,
  delivery: () => sampleEmail(),
  at: (origin, env, delivery) => ({ env: at(origin, env), delivery }),
  wrongCredentials: (env) => withSecret(env, "SMTP_PASSWORD_FILE", "wrong-password"),
  unavailable: { status: 421, body: "4.3.2 words of the relay" },
  throttled: { status: 450, body: "4.2.1 words of the relay", retryAfterMs: undefined },
  answers: [
    ["spam", { status: 554, body: "5.7.1 words of the relay" }, { kind: "rejected", reason: "not-authorized" }],
    ["a reply without an enhanced code", { status: 552, body: "words of the relay" }, { kind: "rejected", reason: "too-large" }],
  ],
  secrets: (env) => [readFileSync(env.SMTP_PASSWORD_FILE ?? "", "utf8"), "words of the relay"],
  skips: {
    "follows no redirect": "SMTP has none",
    "reports an endpoint as gone": "an address is rejected before there is a message; below it is tested at RCPT",
  },
});

const withoutBounces = (env: Env): Env => ({ ...env, SMTP_BOUNCE_DOMAIN: "", SMTP_BOUNCE_KEY_FILE: "" });

const send = async (env: Env, delivery: OutboundDelivery, signal = AbortSignal.timeout(60_000)) => {
  await using provider = create(env);
  return await provider.send(delivery, signal);
};
const arrived = (sandbox: Sandbox, { deliveryId }: OutboundDelivery) => sandbox.ledger.entries({ deliveryId });

withSandbox("smtp, stage by stage", (test) => {
  const stages = ["smtp-connect", "smtp-ehlo", "smtp-auth", "smtp-mail", "smtp-rcpt"];
  const order = (sandbox: Sandbox, provider: string, action: FaultAction) => sandbox.faults.order({ provider, do: action });

  for (const stage of stages)
    test(`knows that nothing was sent where the line is cut at ${stage}`, async (sandbox) => {
      order(sandbox, stage, { kind: "cut-before" });
      const delivery = sampleEmail();
      assert.deepEqual(await send(sandbox.env, delivery), { kind: "unavailable", fault: { code: "reset" } });
      assert.deepEqual(arrived(sandbox, delivery), []);
      assert.deepEqual(sandbox.faults.standing(), []);
    });

  for (const stage of stages.filter((name) => name !== "smtp-ehlo"))
    test(`knows that nothing was sent where the relay falls silent at ${stage}`, async (sandbox) => {
      order(sandbox, stage, { kind: "no-answer" });
      const delivery = sampleEmail();
      assert.deepEqual(await send(sandbox.env, delivery, AbortSignal.timeout(700)), { kind: "unavailable", fault: { code: "deadline" } });
      assert.deepEqual(arrived(sandbox, delivery), []);
    });

  for (const action of ["cut-before", "cut-after", "no-answer"] as const)
    test(`leaves the outcome unknown after the final dot: ${action}`, async (sandbox) => {
      const delivery = sampleEmail();
      order(sandbox, "smtp", { kind: action });
      const deadline = action === "no-answer" ? deadlineOnce(() => arrived(sandbox, delivery).length > 0) : undefined;
      assert.equal((await send(sandbox.env, delivery, deadline)).kind, "unanswered");
      assert.equal(arrived(sandbox, delivery).length, 1);
    });

  const replies: [stage: string, status: number, text: string, expected: object][] = [
    ["smtp-connect", 421, "4.3.2 closing", { kind: "unavailable", fault: { code: "relay-not-accepting" } }],
    ["smtp-connect", 554, "5.7.1 your address is listed", { kind: "misconfigured", reason: "not-authorized" }],
    ["smtp-auth", 454, "4.7.0 try again", { kind: "throttled", reason: "policy", retryAfterMs: undefined }],
    ["smtp-auth", 535, "5.7.8 no", { kind: "misconfigured", reason: "authentication" }],
    ["smtp-mail", 550, "5.7.1 not yours", { kind: "misconfigured", reason: "not-authorized", scope: "sender" }],
    ["smtp-mail", 552, "5.3.4 too big", { kind: "rejected", reason: "too-large" }],
    ["smtp-rcpt", 550, "5.1.1 nobody", { kind: "endpoint-gone", reason: "mailbox-unknown", goneAt: undefined }],
    ["smtp-rcpt", 450, "4.2.1 busy", { kind: "throttled", reason: "mailbox-busy", retryAfterMs: undefined, scope: "endpoint" }],
    ["smtp-rcpt", 501, "malformed address", { kind: "rejected", reason: "invalid-arguments" }],
    ["smtp-rcpt", 501, "5.5.4 malformed address", { kind: "rejected", reason: "invalid-arguments" }],
    ["smtp-rcpt", 550, "without an enhanced code", { kind: "rejected", reason: "smtp-550" }],
  ];
  for (const [stage, status, body, expected] of replies)
    test(`${status} ${body} at ${stage}`, async (sandbox) => {
      order(sandbox, stage, { kind: "answer", status, body });
      const delivery = sampleEmail();
      assert.deepEqual(await send(sandbox.env, delivery), expected);
      assert.deepEqual(arrived(sandbox, delivery), []);
    });

  test("reports an endpoint as gone", async (sandbox) => {
    const outcome = await send(sandbox.env, sampleEmail({ address: "reject@example.org" }));
    assert.deepEqual(outcome, { kind: "endpoint-gone", reason: "mailbox-unknown", goneAt: undefined });
  });

  test("reports a sender that the relay rejects as misconfigured", async (sandbox) => {
    const outcome = await send({ ...withoutBounces(sandbox.env), EMAIL_FROM: "bells@elsewhere.example" }, sampleEmail());
    assert.deepEqual(outcome, { kind: "misconfigured", reason: "not-authorized", scope: "sender" });
  });
});

withSandbox("smtp, a return path that the relay rejects", (test) => {
  test("is misconfigured, whatever sender the content names", async (sandbox) => {
    const env = { ...sandbox.env, SMTP_BOUNCE_DOMAIN: "elsewhere.example", EMAIL_FROM_ALLOWED: "@carillon.dev" };
    const outcome = await send(env, sampleEmail({ content: { from: { address: "shop@carillon.dev" } } }));
    assert.deepEqual(outcome, { kind: "misconfigured", reason: "not-authorized", scope: "sender" });
  });
});

withSandbox("smtp, the message itself", (test) => {
  const rawOf = (sandbox: Sandbox, delivery: OutboundDelivery) => {
    const [entry] = arrived(sandbox, delivery);
    return (entry?.payload ?? {}) as { mailFrom: string; rcptTo: string; smtpUtf8: boolean; dsn: object; raw: string };
  };

  test("its return path names the attempt, and the relay is asked to report", async (sandbox) => {
    const delivery = sampleEmail({ address: "ann+a=b@example.org" });
    await send(sandbox.env, delivery);
    const { mailFrom, dsn, raw } = rawOf(sandbox, delivery);
    const bounces = readConfig(smtpVariables, sandbox.env);
    const keys = { domain: bounces.SMTP_BOUNCE_DOMAIN, keys: bounces.SMTP_BOUNCE_KEY_FILE };
    assert.equal(attemptOfReturnPath(mailFrom, keys, SAMPLE_NOW), delivery.attemptId);
    const asked = { ret: "HDRS", envid: delivery.attemptId, notify: ["FAILURE", "DELAY"], orcpt: "rfc822;ann+a=b@example.org" };
    assert.deepEqual(dsn, asked);
    assert.match(raw, /^From: Carillon <bells@carillon\.dev>/m);
    const other = sampleEmail();
    await send({ ...sandbox.env, SMTP_DSN_SUCCESS: "true" }, other);
    assert.deepEqual(fieldOf(rawOf(sandbox, other).dsn, "notify"), ["FAILURE", "DELAY", "SUCCESS"]);
  });

  test("without a domain for bounces the return path is the sender, and no report is asked for", async (sandbox) => {
    const delivery = sampleEmail();
    await send(withoutBounces(sandbox.env), delivery);
    const { mailFrom, dsn } = rawOf(sandbox, delivery);
    assert.deepEqual([mailFrom, fieldOf(dsn, "envid"), fieldOf(dsn, "notify")], [sandbox.env.EMAIL_FROM, undefined, undefined]);
  });

  test("carries our ids, and a Message-ID of the notification", async (sandbox) => {
    const delivery = sampleEmail();
    const outcome = await send(sandbox.env, delivery);
    assert.match(outcome.kind === "accepted" ? outcome.providerRef : "", /^SB[0-9A-Z]+$/);
    const [entry] = arrived(sandbox, delivery);
    assert.equal(entry?.headers["message-id"], `<${delivery.deliveryId.slice(0, 32)}@carillon.dev>`);
    assert.equal(entry?.headers["x-carillon-attempt"], delivery.attemptId);
    assert.equal(entry?.headers.from, `${sandbox.env.EMAIL_FROM_NAME} <${sandbox.env.EMAIL_FROM}>`);
    assert.equal(entry?.headers.to, "ann@example.org");
    assert.equal(entry?.headers.date, new Date(SAMPLE_NOW).toUTCString().replace("GMT", "+0000"));
  });

  test("a file's type keeps its parameters, beside the name", async (sandbox) => {
    const delivery = sampleEmail({
      content: { attachments: [{ filename: "list.csv", contentType: 'text/csv; charset="utf-8"; header=present', base64: "YTti" }] },
    });
    await send(sandbox.env, delivery);
    assert.match(rawOf(sandbox, delivery).raw, /Content-Type: text\/csv; charset=utf-8; header=present;\s+name=list\.csv/);
  });

  test("lines that begin with a dot, and one that is a dot alone, arrive as they were", async (sandbox) => {
    const text = "first\n.\n..two\n.hidden\nQUIT\nlast";
    const delivery = sampleEmail({ content: { text, html: "" } });
    await send(sandbox.env, delivery);
    const [, body = ""] = rawOf(sandbox, delivery).raw.split("\r\n\r\n");
    assert.equal(body.trimEnd(), text.replaceAll("\n", "\r\n"));
  });

  test("a line break in the subject starts no header", async (sandbox) => {
    const delivery = sampleEmail({ content: { subject: "Hello\r\nBcc: eve@example.org\r\n\r\nbody" } });
    await send(sandbox.env, delivery);
    const { raw, rcptTo } = rawOf(sandbox, delivery);
    assert.equal(rcptTo, "ann@example.org");
    assert.doesNotMatch(raw, /^bcc:/im);
    assert.match(raw, /^Subject: Hello Bcc: eve@example.org/m);
  });

  for (const address of [
    "ann@example.org\r\nRCPT TO:<eve@example.org>",
    "ann@example.org> SIZE=1",
    "<ann@example.org>",
    "a,b@example.org",
    "ann",
  ])
    test(`rejects ${JSON.stringify(address)} before a connection is made`, async (sandbox) => {
      const env = { ...sandbox.env, SMTP_PORT: "1" };
      assert.deepEqual(await send(env, sampleEmail({ address })), { kind: "rejected", reason: "address-invalid", notCalled: true });
    });

  test("a line break in the sender's name starts no header", async (sandbox) => {
    const delivery = sampleEmail();
    await send({ ...sandbox.env, EMAIL_FROM_NAME: "Bells\r\nBcc: eve@example.org" }, delivery);
    assert.doesNotMatch(rawOf(sandbox, delivery).raw, /^bcc:/im);
  });

  test("asks for SMTPUTF8 where the local part is not ASCII, and encodes the domain", async (sandbox) => {
    const delivery = sampleEmail({ address: "żółć@bücher.example" });
    assert.equal((await send(sandbox.env, delivery)).kind, "accepted");
    const { rcptTo, smtpUtf8 } = rawOf(sandbox, delivery);
    assert.equal(smtpUtf8, true);
    assert.equal(rcptTo.slice(0, rcptTo.indexOf("@")), "żółć");
  });
});

withSandbox("smtp, security", (test) => {
  test("sends nothing, and no credentials, where the relay does not do STARTTLS", async (sandbox) => {
    sandbox.faults.order({ provider: "smtp-starttls", do: { kind: "cut-before" } });
    const delivery = sampleEmail();
    assert.deepEqual(await send(sandbox.env, delivery), { kind: "misconfigured", reason: "starttls-not-offered" });
    assert.deepEqual(arrived(sandbox, delivery), []);
  });

  test("logs in with an access token", async (sandbox) => {
    const delivery = sampleEmail();
    assert.equal((await send(withAccessToken(sandbox.env), delivery)).kind, "accepted");
    assert.deepEqual(
      arrived(sandbox, delivery).map(({ payload }) => fieldOf(payload, "isSecure")),
      [true],
    );
  });

  test("reports an access token that the relay does not know as misconfigured", async (sandbox) => {
    const env = withSecret(withAccessToken(sandbox.env), "SMTP_OAUTH2_ACCESS_TOKEN_FILE", "wrong-token");
    const delivery = sampleEmail();
    assert.deepEqual(await send(env, delivery), { kind: "misconfigured", reason: "authentication" });
    assert.deepEqual(arrived(sandbox, delivery), []);
  });
});
