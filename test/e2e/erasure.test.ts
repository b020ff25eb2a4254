// A user who was erased is found nowhere: not in the store's files, Redis, JetStream or the logs of all roles.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { openStore } from "../../adapters/store/open-store.ts";
import { DEV_APP } from "../../cli/dev/dev.ts";
import { connectGateway } from "../../cli/gateway/connect.ts";
import { contentToProto } from "../../core/content/content.ts";
import { CONTENT_BOUNDS, RELEASE_MS } from "../../core/content/reference.ts";
import { PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { ProfileServiceService } from "../../gen/carillon/v1/profile_service.ts";
import { readAudit } from "../../operations/audit/read-audit.ts";
import { systemClock } from "../../runtime/clock.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { startSandbox } from "../../sandbox/main.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, freshNumber, freshToken } from "../support/fresh.ts";
import { updateRequest } from "../support/preference-requests.ts";
import { startNats, startRedis } from "../support/servers.ts";
import { mail, optOut, phone, register, rejectionOf, send, settled, toEndpoint, toUser } from "./calls.ts";
import { runCli, startDevProcess } from "./cli-process.ts";

const HOUR_MS = 3_600_000;
const KEY = "erasure-key-of-thirty-two-bytes-or-more";

test("of an erased user nothing is left in store, Redis, JetStream and logs, and no refusal is lost", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-erasure-"));
  try {
    await using nats = await startNats();
    await using redis = await startRedis();
    await using sandbox = await startSandbox({ directory: join(directory, "providers") });
    const keyFile = join(directory, "erasure-key");
    writeFileSync(keyFile, KEY);
    const env = { ...sandbox.env, NATS_URL: nats.url, REDIS_URL: redis.url, ERASURE_KEY_FILE: keyFile, LOG_LEVEL: "debug" };
    await using dev = await startDevProcess(directory, env);
    using clients = connectGateway(dev.gatewayAddress, readFileSync(dev.keyFile, "utf8").trim());
    const caller = { clients };
    await using store = await openStore(dev.storeUrl);

    const [user, other] = [fresh("ada"), fresh("charles")];
    const [address, number, token] = [`${fresh("ada")}@${fresh("host")}.example`, freshNumber(), freshToken()];
    const words = { title: fresh("Title"), text: fresh("Text"), subject: fresh("Subject"), large: fresh("Large") };
    const content = contentToProto({
      push: { title: words.title, body: "b", data: {} },
      sms: { text: words.text },
      email: { subject: words.subject, html: "", text: words.large.repeat(CONTENT_BOUNDS.inlineBytesMax / 8) },
    });
    const secrets = { user, address, number: number.slice(1), token, ...words };
    for (const endpoint of [mail(address), phone(number), { channel: "apns", token } as const]) await register(caller, user, endpoint);
    const theirs = mail(`${other}@example.com`);
    await register(caller, other, theirs);
    await optOut(caller, user, { category: "ads" });
    const profile = { userId: user, profile: { timeZone: "Europe/London", locale: undefined, quietHours: undefined, tenant: undefined } };
    await callUnary(clients.profiles, ProfileServiceService.setProfile, profile);

    const sent = [
      await send(caller, { recipient: toUser(user), content, tags: { person: user }, cancelKey: user }),
      await send(caller, { recipient: toEndpoint(mail(address)), content, collapseKey: user.slice(0, 60) }),
      await send(caller, { recipient: toUser(user), content, category: "ads" }),
    ];
    const kept = await send(caller, { recipient: toUser(other), idempotencyKey: fresh("kept") });
    const later = await send(caller, { recipient: toUser(user), content, sendAt: new Date(Date.now() + HOUR_MS) });
    const sentIds = sent.map(({ notificationId }) => notificationId);
    await settled({ storeUrl: dev.storeUrl }, [...sentIds, kept.notificationId]);
    await eventually("all tasks are acknowledged", async () => (await queued(nats.url)).length === 0);

    const cli = ["--address", dev.gatewayAddress, "--key-file", dev.keyFile];
    const exported = await runCli(["user", "export", user, ...cli, "--clear-endpoints"]);
    assert.equal(exported.code, 0, exported.stderr);
    for (const [what, secret] of Object.entries(secrets)) assert.ok(exported.stdout.includes(secret), `${what} is in the export`);
    assert.equal(exported.stdout.includes(other), false);

    const erased = await runCli(["user", "erase", user, "--by", "support", "--why", "letter 17", ...cli]);
    assert.equal(erased.code, 0, erased.stderr + erased.stdout);
    const { report, signature } = JSON.parse(erased.stdout.trim().split("\n").at(-1)!) as { report: string; signature: string };
    assert.equal(signature, createHmac("sha256", KEY).update(report).digest("hex"));
    const {
      complete,
      cancelled,
      erased: counts,
    } = JSON.parse(report) as { complete: boolean; cancelled: number; erased: Record<string, number> };
    assert.deepEqual([complete, cancelled, counts.endpoints, counts.profiles], [true, 3, 3, 1]);
    assert.equal(counts.notifications, 4);
    // What nobody refers to is removed by a relay some minutes later.
    assert.ok((await store.contents.purge(Date.now() + RELEASE_MS + 1_000, 100)) > 0);

    const [record] = await settled({ storeUrl: dev.storeUrl }, [later.notificationId]);
    assert.ok(record!.deliveries.every(({ state, reason }) => state === "cancelled" && reason?.code === "erased"));
    assert.equal((await store.notifications.find(kept.notificationId))?.contentDeletedAt, undefined);
    assert.equal((await store.contacts.list(DEV_APP, [other])).length, 1);

    await store.overwriteDeleted?.();
    const places = [
      ["the store", filesOf(dev.storeUrl)],
      ["Redis", await everythingIn(redis.url)],
      ["JetStream", await queued(nats.url)],
    ] as const;
    for (const [place, texts] of places)
      for (const [what, secret] of Object.entries(secrets))
        assert.ok(!texts.some((text) => text.includes(secret)), `${what} is still in ${place}`);
    const { checks } = await readAudit({ store, clock: systemClock }, {});
    assert.deepEqual(
      checks.filter(({ holds }) => !holds),
      [],
    );

    // The person comes back, as who refused.
    await register(caller, user, phone(number));
    const again = await send(caller, { recipient: toUser(user), category: "ads" });
    assert.deepEqual(
      again.deliveries.map(({ suppressedReason }) => suppressedReason?.code),
      ["opted-out"],
    );
    const subject = { subject: { $case: "userId", value: user } } as const;
    const imported = updateRequest({ subject, consent: [{ channel: 0, category: "ads" }] });
    const rejected = await rejectionOf(callUnary(clients.preferences, PreferenceServiceService.updatePreferences, imported));
    assert.equal(rejected.reason, "ERASED");
    dev.child.kill("SIGTERM");
    const { stdout, stderr } = await dev.ended;
    for (const [what, secret] of Object.entries(secrets)) assert.equal((stdout + stderr).includes(secret), false, `${what} is in the logs`);
    assert.match(stderr, /"source":"erasure".*"preferences changed"/, "what it changed is in the audit lines");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** The bytes of the store's files, the log included. */
function filesOf(storeUrl: string): string[] {
  const path = storeUrl.replace(/^sqlite:/, "");
  return [path, `${path}-wal`].filter((file) => existsSync(file)).map((file) => readFileSync(file, "latin1"));
}

/** Every key and value. */
async function everythingIn(url: string): Promise<string[]> {
  const redis = new Redis(url);
  try {
    const texts: string[] = [];
    for (const key of await redis.keys("*")) texts.push(key, ((await redis.dumpBuffer(key)) ?? Buffer.alloc(0)).toString("latin1"));
    return texts;
  } finally {
    redis.disconnect();
  }
}

/** Every message of every stream, with its headers. */
async function queued(url: string): Promise<string[]> {
  const nats = await connect({ servers: url });
  try {
    const manager = await jetstreamManager(nats);
    const texts: string[] = [];
    for await (const { config, state } of manager.streams.list())
      for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage(config.name, { seq }).catch(() => undefined);
        if (message) texts.push(`${message.subject} ${message.header} ${Buffer.from(message.data).toString("latin1")}`);
      }
    return texts;
  } finally {
    await nats.close();
  }
}
