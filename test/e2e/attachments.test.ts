// Files that are too large for a notification: put by BlobService, attached by id, sent by each e-mail provider, and compared with what arrived.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { putBlob } from "../../cli/gateway/put-blob.ts";
import { contentToProto } from "../../core/content/content.ts";
import type { Attachment } from "../../core/content/email-content.ts";
import { arrivedAt, valueAt } from "../../providers/content-fields/arrived.ts";
import { freshEndpoint } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { rejectionOf, send, settled, toEndpoint } from "./calls.ts";
import { runCli } from "./cli-process.ts";

const MIB = 1_048_576;
const hashOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function* inChunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
const put = ({ clients }: TestSystem, bytes: Buffer) => putBlob(clients.blobs, { size: bytes.length, sha256: "" }, inChunks(bytes));

const pdf = (blobId: string): Attachment => ({ filename: "catalogue.pdf", contentType: "application/pdf", blobId });
const mailWith = (system: TestSystem, attachments: Attachment[], html = "<p>Our catalogue</p>") => ({
  recipient: toEndpoint(freshEndpoint("email", system.sandbox)),
  content: contentToProto({ email: { subject: "Catalogue", html, text: "", attachments } }),
});

/** Where each provider is given the files, in their order. */
const FILES_AT = { sendgrid: "attachments", mandrill: "message.attachments", smtp: "mail.attachments" } as const;

for (const provider of ["sendgrid", "mandrill", "smtp"] as const)
  test(`a file of 5 MiB and an inline one arrive by ${provider} as they were put`, async () => {
    await using system = await startSystem({ EMAIL_PROVIDERS: provider });
    const [large, small] = [randomBytes(5 * MIB), randomBytes(300)];
    const { blobId } = await put(system, large);
    const inline: Attachment = { filename: "small.bin", contentType: "application/pdf", base64: small.toString("base64") };
    // Long, so that the mail itself is kept apart from its notification.
    for (const html of ["<p>Our catalogue</p>", `<p>${"Our catalogue ".repeat(1_000)}</p>`]) {
      const { notificationId } = await send(system, mailWith(system, [pdf(blobId), inline], html));
      const [record] = await settled(system, [notificationId], { is: ({ state }) => ["sent", "delivered", "failed"].includes(state) });
      assert.match(record!.deliveries[0]!.state, /sent|delivered/, JSON.stringify(record!.deliveries[0]!.reason));
      const [arrived] = await system.sandbox.ledger.arrived({ deliveryId: record!.deliveries[0]!.id }, 1);
      assert.equal(arrived?.provider, provider);
      const files = valueAt(arrivedAt(arrived), FILES_AT[provider]) as { content: string }[];
      assert.deepEqual(
        files.map(({ content }) => hashOf(Buffer.from(content, "base64"))),
        [hashOf(large), hashOf(small)],
      );
    }
  });

test("a mail that is larger than Mandrill takes goes to the next provider", async () => {
  await using system = await startSystem({ EMAIL_PROVIDERS: "mandrill,sendgrid" });
  const bytes = randomBytes(20 * MIB);
  const { notificationId } = await send(system, mailWith(system, [pdf((await put(system, bytes)).blobId)]));
  const [arrived] = await system.sandbox.ledger.arrived({ deliveryId: `${notificationId}-0` }, 1);
  assert.deepEqual([arrived?.provider, arrived?.accepted], ["sendgrid", true]);
  const [file] = valueAt(arrivedAt(arrived!), FILES_AT.sendgrid) as { content: string }[];
  assert.equal(hashOf(Buffer.from(file!.content, "base64")), hashOf(bytes));
});

test("a blob that the app has not, and files that are too large together, are told before acceptance", async () => {
  await using system = await startSystem();
  const unknown = await rejectionOf(send(system, mailWith(system, [pdf("0".repeat(64))])));
  const namesOf = (error: typeof unknown) => error.fields.map(({ field, rule }) => `${field} ${rule}`);
  assert.deepEqual([unknown.code, namesOf(unknown)], [3, ["notification.content.email.attachments[0].blob_id blob.found"]]);
  const { blobId } = await put(system, randomBytes(11 * MIB));
  const tooLarge = await rejectionOf(send(system, mailWith(system, [pdf(blobId), pdf(blobId)])));
  assert.deepEqual(namesOf(tooLarge), ["notification.content.email.attachments attachments.bytes"]);
  assert.match(tooLarge.message, /have 23068672 bytes in all, 30758232 in base64; at most 20971520, 27962028 in base64/);
  assert.equal(await system.stored(), 0);

  const [file, key] = [join(system.directory, "report.pdf"), join(system.directory, "key")];
  const bytes = randomBytes(2 * MIB);
  writeFileSync(file, bytes);
  writeFileSync(key, system.apiKey);
  const answers = [];
  for (let times = 0; times < 2; times++) {
    const { code, stdout, stderr } = await runCli(["blob", "put", file, "--address", system.gatewayAddress, "--key-file", key]);
    assert.equal(code, 0, stderr);
    answers.push(JSON.parse(stdout));
  }
  assert.deepEqual([answers[0].blob_id, answers[0].bytes], [hashOf(bytes), bytes.length]);
  assert.deepEqual(answers[1], answers[0], "the second time nothing is sent");
});
