// What a preview shows through the real gateway, by gRPC and by the command line, is what then arrives.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { registerExamples } from "../../cli/dev/seed.ts";
import { parseLine } from "../../cli/gateway/jsonl.ts";
import type { LinePreview } from "../../cli/gateway/preview.ts";
import type { LineResult } from "../../cli/gateway/send.ts";
import { NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { rejectionOf, settled } from "./calls.ts";
import { runCli } from "./cli-process.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const RICH = join(EXAMPLES, "rich.jsonl");
const DOCS = join(import.meta.dirname, "../../docs/calling.md");

let system: TestSystem;
before(async () => {
  system = await startSystem({ WEBPUSH_APP_ORIGIN: "https://shop.example" });
  await registerExamples(EXAMPLES, system.clients, system.sandbox);
  writeFileSync(join(system.directory, "key"), system.apiKey);
});
after(() => system?.[Symbol.asyncDispose]());

const client = () => ["--address", system.gatewayAddress, "--key-file", join(system.directory, "key")];
const parsed = <T>(stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
const file = (name: string, text: string) => {
  const path = join(system.directory, name);
  writeFileSync(path, text);
  return path;
};
/** Of a body the fields that are neither endpoints, times nor the account's. */
const comparable = (body: unknown): unknown =>
  JSON.parse(JSON.stringify(body), (key, value: unknown) =>
    ["token", "To", "From", "StatusCallback", "ValidityPeriod", "from", "Message-ID", "ttl", "TTL", "apns-expiration"].includes(key) ||
    (key === "email" && typeof value === "string") ||
    (key === "content" && typeof value === "string")
      ? undefined
      : value,
  );

// First: later the keys are those of notifications that were accepted, and it says so.
test("docs/calling.md shows what the command prints", async () => {
  const shownInDocs = /```text\n\$ carillon preview examples\/rich\.jsonl\n(.*?)```/s.exec(readFileSync(DOCS, "utf8"))?.[1] ?? "";
  const { stdout } = await runCli(["preview", RICH, ...client()]);
  let rest = stdout.split("\n").map((line) => line.trim());
  const wanted = shownInDocs
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && line !== "…");
  assert.ok(wanted.length > 8);
  for (const line of wanted) {
    const at = rest.indexOf(line);
    assert.notEqual(at, -1, `not printed, or not in this order: ${line}`);
    rest = rest.slice(at + 1);
  }
});

test("the examples are previewed, then sent, and what arrives is what was shown", async () => {
  const before = await system.stored();
  const shown = await runCli(["preview", RICH, "--json", ...client()]);
  assert.equal(shown.code, 0, shown.stdout + shown.stderr);
  assert.equal(await system.stored(), before, "nothing is stored");
  const previews = parsed<LinePreview>(shown.stdout);
  const sent = await runCli(["send", "--file", RICH, ...client()]);
  assert.equal(sent.code, 0, sent.stdout);
  const results = parsed<LineResult>(sent.stdout).toSorted((a, b) => a.line - b.line);
  assert.deepEqual(
    results.map(({ notificationId, deliveries }) => [notificationId, deliveries]),
    previews.map(({ notificationId, deliveries }) => [notificationId, deliveries]),
  );
  assert.deepEqual(
    results.flatMap(({ deliveries = [] }) =>
      deliveries.flatMap(({ segments, form, destination }) => (form ? [[segments, form, destination]] : [])),
    ),
    [[2, "ucs2", "+49"]],
  );
  const ids = results.map(({ notificationId }) => notificationId ?? "");
  await settled(system, ids);
  const providers = new Set<string>();
  for (const request of previews.flatMap(({ requests = [] }) => requests)) {
    const entries = system.sandbox.ledger.entries({ deliveryId: request.delivery, provider: request.provider });
    for (const { payload } of entries) {
      assert.deepEqual(comparable(request.body), comparable(payload), `${request.delivery} ${request.provider}`);
      providers.add(request.provider);
    }
  }
  assert.deepEqual([...providers].toSorted(), ["apns", "fcm", "sendgrid", "twilio", "webpush"]);
});

test("a preview for people shows payload, size, segments and warnings, without colours where nobody sees them", async () => {
  const { code, stdout } = await runCli(["send", "--dry-run", "--file", RICH, ...client()]);
  assert.equal(code, 0);
  for (const wanted of [
    /^line 1 {2}rich-order-17/m,
    /^ {4}POST https:\/\/api\.push\.apple\.com\/3\/device\/…c757$/m,
    /^ {4}apns-topic: <APNS_TOPIC>$/m,
    /^ {4}█+░+ [\d,]+ of 4,096 bytes$/m,
    /^ {4}! notification\.content\.push\.image_url {2}Apple's systems show a picture only by/m,
    /^ {4}! notification\.content\.push\.actions {2}browsers show 2 of 4 actions$/m,
    /^ {4}! notification\.content\.sms\.text {2}a text with “ ” is charged as UCS-2: 2 segments instead of 1; transliterate would replace them$/m,
    /^ {4}2 segments of ucs2$/m,
    /<\d+ characters of base64>/,
    /^ {4}… \d+ more lines; --json has them$/m,
  ])
    assert.match(stdout, wanted);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
  assert.doesNotMatch(stdout, /\u001b/);
  const coloured = await runCli(["preview", RICH, ...client()], { FORCE_COLOR: "1" });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
  assert.match(coloured.stdout, /\u001b\[1mrich-order-17\u001b\[22m/);
});

test("what would be rejected is told with its fields, by the gateway and before it", async () => {
  const lines = [
    {
      idempotencyKey: "bad-1",
      recipient: { userId: "ada" },
      notificationClass: "NOTIFICATION_CLASS_CRITICAL",
      category: "Not This",
      content: { push: { title: "t", imageUrl: "http://shop.example/1.png" } },
    },
    { idempotencyKey: "bad-2", recipient: { userId: "ada" }, content: { push: { titel: "t" } } },
    { key: "bad-3", user: "ada", category: "c", sms: { text: "x", segmentsMax: "two" } },
  ];
  const path = file("bad.json", JSON.stringify(lines, null, 2));
  const asJson = await runCli(["preview", path, "--json", ...client()]);
  assert.equal(asJson.code, 1);
  const [first, second, third] = parsed<LinePreview>(asJson.stdout);
  assert.deepEqual(
    first?.error?.fields?.map(({ field }) => field),
    ["notification.category"],
  );
  assert.match(second?.error?.message ?? "", /^content\.push\.titel: is not a field; the fields are title, body, data,/);
  assert.equal(third?.error?.message, "sms.segmentsMax: must be a whole number from -2147483648 to 2147483647 (int32)");
  const { code, stdout } = await runCli(["send", "--dry-run", "--file", path, ...client()]);
  assert.equal(code, 1);
  assert.match(stdout, /^ {2}INVALID_ARGUMENT INVALID_FIELD\n {2}notification\.category {2}/m);
  const sent = await runCli(["send", "--file", path, ...client()]);
  assert.deepEqual(
    parsed<LineResult>(sent.stdout).map(({ error }) => error?.code),
    Array(3).fill("INVALID_ARGUMENT"),
  );
  assert.equal((await runCli(["preview", file("none.json", "{"), ...client()])).code, 1);
  assert.equal((await runCli(["preview", ...client()])).code, 2);
});

test("a call without a valid notification, or without a key, is rejected as a send is", async () => {
  const call = (notification: ReturnType<typeof parseLine> | undefined) =>
    callUnary(system.clients.notifications, NotificationServiceService.previewNotification, { notification });
  assert.deepEqual(
    (await rejectionOf(call(undefined))).fields.map(({ field }) => field),
    ["notification"],
  );
  const used = parseLine(JSON.stringify({ key: "rich-sync", user: "ada", category: "sync", push: { title: "another" } }), Date.now());
  await callUnary(system.clients.notifications, NotificationServiceService.sendNotification, {
    notification: { ...used, idempotencyKey: "preview-used" },
    validateOnly: false,
  });
  const { reason } = await rejectionOf(call({ ...used, idempotencyKey: "preview-used", category: "other" }));
  assert.equal(reason, "KEY_REUSED");
});
