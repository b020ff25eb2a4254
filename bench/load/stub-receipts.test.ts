import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { startSandbox } from "../../sandbox/main.ts";
import { eventually } from "../../test/support/eventually.ts";
import { notificationOf } from "./mixed-notifications.ts";
import { numberIn } from "./numbered.ts";
import { createStubReceipts } from "./stub-receipts.ts";

const N = 1_700_000_000_000_042;

test("a stub finds the number of a notification in its provider's request, whatever the channel", () => {
  const subscription = { origin: "https://127.0.0.1:1", p256dh: "p", auth: "a" };
  for (const channel of CHANNELS) {
    const { content, recipient } = notificationOf(channel, N, subscription);
    const path = /https:[^"]+/.exec(JSON.stringify(recipient))?.[0] ?? "/";
    const form = new URLSearchParams({ Body: content?.sms?.text ?? "" }).toString();
    const body = Buffer.from(channel === "sms" ? form : JSON.stringify(content));
    assert.equal(numberIn(channel, { path, body }), N, channel);
  }
  assert.ok(Number.isNaN(numberIn("fcm", { path: "/", body: Buffer.from("{}") })));
});

test("texts and e-mails are followed by two signed receipts, and pushes by none", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-bench-"));
  const posts: { path: string; signature: string }[] = [];
  const server = createServer((request, response) => {
    const { headers, url = "" } = request;
    const signature = headers["x-twilio-signature"] ?? headers["x-twilio-email-event-webhook-signature"];
    posts.push({ path: new URL(url, "http://x").pathname, signature: String(signature ?? "") });
    request.resume().on("end", () => response.end());
  }).listen(0, "127.0.0.1");
  try {
    // Makes the keys.
    await using _ = await startSandbox({ directory });
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const receipts = createStubReceipts(directory, target);
    const send = (path: string, body: string) => receipts.report({ method: "POST", path, headers: "", body: Buffer.from(body) }, "SM0");
    send(
      "/2010-04-01/Accounts/A/Messages.json",
      new URLSearchParams({ To: "+491", StatusCallback: `${target}/twilio?attempt=a` }).toString(),
    );
    send("/v3/mail/send", JSON.stringify({ personalizations: [{ to: [{ email: "a@b" }], custom_args: { carillon_attempt: "d/1" } }] }));
    send("/v1/projects/p/messages:send", "{}");
    await eventually("all are told", async () => receipts.state().told === 4 && receipts.state().open === 0);
    assert.deepEqual(posts.map(({ path }) => path).sort(), ["/sendgrid", "/sendgrid", "/twilio", "/twilio"]);
    for (const { signature } of posts) assert.ok(signature.length > 20, signature);
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(directory, { recursive: true, force: true });
  }
});
