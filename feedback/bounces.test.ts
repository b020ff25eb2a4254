// Bounces by LMTP: to the role as it runs, on a store of its own, and to its parts while the store is away.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import type { Store } from "../core/ports/store.ts";
import { endpointSubject } from "../core/preferences/opt-out.ts";
import { smtpBounces } from "../providers/smtp/bounces.ts";
import { RETURN_PATH_DAYS_MAX, returnPathOf } from "../providers/smtp/return-path.ts";
import type { Environment } from "../runtime/config.ts";
import { startLmtpServer } from "../runtime/lmtp/server.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import type { RunningRole } from "../runtime/run.ts";
import { OTHER_MAILS, REPORTS } from "../test/support/bounce-mails.ts";
import { eventually } from "../test/support/eventually.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { bringMail } from "../test/support/lmtp-client.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { createBounces } from "./bounces.ts";
import { role } from "./main.ts";
import { createFeedbackMetrics } from "./metrics.ts";

const stack = new AsyncDisposableStack();
const OWN = { domain: "bounces.example.org", keys: ["the key of the default account"] };
const ACME = { domain: "bounces.example.org", keys: ["the key of the account acme"] };
const FAILED = REPORTS["Postfix: failed"]!.message;
const DELIVERED = REPORTS["Postfix: delivered, as was asked for"]!.message;
let store: Store;
let env: Environment;
let feedback: RunningRole;
before(async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-bounces-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  mkdirSync(join(directory, "accounts/smtp"), { recursive: true });
  file("accounts/smtp/acme.key", ACME.keys[0]!);
  file("accounts/smtp/acme.json", JSON.stringify({ SMTP_BOUNCE_DOMAIN: ACME.domain, SMTP_BOUNCE_KEY_FILE: "acme.key" }));
  const url = `sqlite:${join(directory, "carillon.sqlite")}`;
  store = stack.use(await openStore(url));
  env = {
    ...{ LOG_LEVEL: "error", HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", STORE_URL: url },
    ...{ FEEDBACK_LISTEN: "127.0.0.1:0", FEEDBACK_LMTP_LISTEN: "127.0.0.1:0", PROVIDER_ACCOUNTS_DIR: join(directory, "accounts") },
    ...{ SMTP_BOUNCE_DOMAIN: OWN.domain, SMTP_BOUNCE_KEY_FILE: file("key", OWN.keys[0]!) },
  };
  feedback = stack.use(await role.start(env));
});
after(() => stack.disposeAsync());

let keys = 0;
/** A delivery whose first attempt, by SMTP, is claimed. */
async function claimed(account?: string) {
  const n = sampleNotification(`key-${keys++}`, Date.now());
  await store.notifications.insert([n]);
  const deliveryId = n.deliveries[0]!.id;
  const id = attemptId(deliveryId, 1);
  const times = { startedAt: Date.now(), deadlineAt: Date.now() + 15_000 };
  await store.attempts.claim([{ id, deliveryId, number: 1, worker: "w", provider: "smtp", account, ...times }]);
  const find = async () => {
    const [notification, [attempt]] = await Promise.all([store.notifications.find(n.id), store.attempts.find([id])]);
    return { delivery: notification!.deliveries[0]!, attempt: attempt! };
  };
  return { id, find };
}
const pathOf = (id: string, of = OWN, now = Date.now()) => returnPathOf(id, of, now) ?? "";
const bring = (recipient: string, message: Buffer) => bringMail(feedback.addresses.lmtp!, recipient, message);

async function counted(metric: string): Promise<Record<string, number>> {
  const text = await (await fetch(`http://${feedback.addresses.http}/metrics`)).text();
  const line = new RegExp(`^${metric}\\{.*?(?:result|reason)="(\\w+)".*\\} (\\d+)$`, "gm");
  return Object.fromEntries([...text.matchAll(line)].map(([, result = "", count]) => [result, Number(count)]));
}

test("a mail that was sent and comes back has failed, with the code of its report, however often it comes", async () => {
  const { id, find } = await claimed();
  for (let times = 0; times < 2; times++) assert.match((await bring(pathOf(id), FAILED)) ?? "", /^250 /);
  const { delivery, attempt } = await find();
  assert.deepEqual([delivery.state, delivery.reason], ["failed", { code: "bounced", detail: "5.1.1" }]);
  const [record] = await store.preferences.find("app", [endpointSubject(endpointId(delivery.endpoint!))]);
  assert.partialDeepStrictEqual(record?.blocks, [{ kind: "bounce", reason: "5.1.1", source: "smtp" }]);
  assert.equal(attempt.resolution?.by, "receipt");
});

test("a mail in doubt is resolved by the report of its delivery", async () => {
  const { id, find } = await claimed();
  const outcome = { kind: "unanswered", fault: { code: "reset" } } as const;
  await store.attempts.record([{ id, worker: "w", outcome, answeredAt: Date.now() }]);
  assert.match((await bring(pathOf(id).toUpperCase(), DELIVERED)) ?? "", /^250 /);
  const { delivery, attempt } = await find();
  assert.deepEqual([delivery.state, attempt.resolution?.outcome.kind], ["delivered", "accepted"]);
});

test("an automatic reply is taken, and changes nothing", async () => {
  const { id, find } = await claimed();
  const before = await counted("carillon_bounces_total");
  for (const message of Object.values(OTHER_MAILS)) assert.match((await bring(pathOf(id), message)) ?? "", /^250 /);
  const { delivery, attempt } = await find();
  assert.deepEqual([delivery.state, attempt.resolution], ["pending", undefined]);
  const ignored = (await counted("carillon_bounces_total")).ignored ?? 0;
  assert.equal(ignored - (before.ignored ?? 0), Object.keys(OTHER_MAILS).length);
});

test("what is forged, too old or of another domain is rejected before there is a message", async () => {
  const { id, find } = await claimed();
  const own = pathOf(id);
  const before = (await counted("carillon_lmtp_rejections_total")).recipient ?? 0;
  const forged = [
    pathOf(id, { ...OWN, keys: ["a key that somebody made up"] }),
    pathOf(id, OWN, Date.now() - (RETURN_PATH_DAYS_MAX + 1) * 86_400_000),
    own.replace(/@.*/, "@example.org"),
    `b+${id.replace("/", ".")}@${OWN.domain}`,
    `postmaster@${OWN.domain}`,
    "ada@example.com",
  ];
  for (const recipient of forged) assert.match((await bring(recipient, FAILED)) ?? "", /^550 /, recipient);
  assert.equal((await find()).delivery.state, "pending");
  assert.equal(((await counted("carillon_lmtp_rejections_total")).recipient ?? 0) - before, forged.length);
});

test("an account's bounces count for its own attempts", async () => {
  const [acme, own] = [await claimed("acme"), await claimed()];
  for (const recipient of [pathOf(acme.id), pathOf(own.id, ACME)]) assert.match((await bring(recipient, FAILED)) ?? "", /^250 /);
  assert.deepEqual([(await acme.find()).delivery.state, (await own.find()).delivery.state], ["pending", "pending"]);
  await bring(pathOf(acme.id, ACME), FAILED);
  assert.deepEqual([(await acme.find()).delivery.state, (await own.find()).delivery.state], ["failed", "pending"]);
});

test("while the store is away mails are answered 451, and 250 only once their receipt is written", async () => {
  const clock = createFakeClock(Date.now());
  const written: unknown[] = [];
  let isAway = true;
  const log = createLogger("test", "silent", { write() {} });
  await using server = await startLmtpServer({
    ...{ host: "127.0.0.1", port: 0, log, onRejected: () => assert.fail("nothing is rejected") },
    ...createBounces({
      ...{ clock, log, metrics: createFeedbackMetrics(createMetrics("test")) },
      accounts: () => [
        { reader: smtpBounces, account: "default", settings: { SMTP_BOUNCE_DOMAIN: OWN.domain, SMTP_BOUNCE_KEY_FILE: OWN.keys } },
      ],
      async apply(receipts) {
        if (isAway) throw new StoreError("the store is away");
        written.push(...receipts);
      },
    }),
  });
  const id = `${"0a".repeat(16)}-0/1`;
  const path = pathOf(id, OWN, clock.now());
  const address = `127.0.0.1:${server.port}`;
  assert.match((await bringMail(address, path, FAILED)) ?? "", /^451 /);
  assert.deepEqual(written, []);
  isAway = false;
  assert.match((await bringMail(address, path, FAILED)) ?? "", /^250 /);
  assert.deepEqual(written, [
    {
      ...{ attemptId: id, provider: "smtp", account: "default", kind: "undelivered", reason: "5.1.1", at: clock.now() },
      learned: { kind: "bounce", reason: "5.1.1" },
    },
  ]);
});

test("the role does not start with half of what bounces need", async () => {
  const without = (over: Environment) => role.start({ ...env, ...over });
  await assert.rejects(without({ SMTP_BOUNCE_KEY_FILE: "" }), /SMTP_BOUNCE_KEY_FILE: must be set, because SMTP_BOUNCE_DOMAIN is/);
  await assert.rejects(without({ SMTP_BOUNCE_DOMAIN: "" }), /SMTP_BOUNCE_DOMAIN: must be set, because SMTP_BOUNCE_KEY_FILE is/);
  const nothing = { SMTP_BOUNCE_DOMAIN: "", SMTP_BOUNCE_KEY_FILE: "", PROVIDER_ACCOUNTS_DIR: "" };
  await assert.rejects(without(nothing), /SMTP_BOUNCE_DOMAIN: must be set, because FEEDBACK_LMTP_LISTEN is/);
  await using off = await role.start({ ...env, FEEDBACK_LMTP_LISTEN: "" });
  assert.equal(off.addresses.lmtp, undefined);
});

test("a key is replaced while the role runs: the old one verifies until it leaves the file", async () => {
  const { id } = await claimed();
  const next = { ...OWN, keys: ["the key that comes after it"] };
  const taken = async (of: typeof OWN) => /^250 /.test((await bring(pathOf(id, of), FAILED)) ?? "");
  const file = env.SMTP_BOUNCE_KEY_FILE!;
  assert.deepEqual([await taken(OWN), await taken(next)], [true, false]);
  writeFileSync(file, `${next.keys[0]}\n${OWN.keys[0]}\n`);
  await eventually("the new key verifies", () => taken(next));
  assert.equal(await taken(OWN), true);
  writeFileSync(file, `${next.keys[0]}\n`);
  await eventually("the old key verifies no more", async () => !(await taken(OWN)));
});
