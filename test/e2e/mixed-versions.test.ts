// During an upgrade, dispatchers of the version before run beside a new gateway: what they would send with fields missing, they give back.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Clients, connectGateway } from "../../cli/gateway/connect.ts";
import { type Content, contentToProto } from "../../core/content/content.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { sampleAttachments } from "../support/content-samples.ts";
import { eventually } from "../support/eventually.ts";
import { freshNumber, freshToken, freshTokenOf } from "../support/fresh.ts";
import { startNats, startRedis } from "../support/servers.ts";
import { ended, mail, notification, phone, send, toEndpoint } from "./calls.ts";
import { runCli } from "./cli-process.ts";
import { startRole } from "./role-process.ts";

/** The last revision whose contract had no rich content. */
const BEFORE = "ca2a16c";
const ROOT = join(import.meta.dirname, "../..");
const CHANNELS = ["apns", "fcm", "sms", "email"] as const;
type Tried = (typeof CHANNELS)[number];

const device = (channel: "apns" | "fcm"): Endpoint => ({ channel, token: freshToken() });
const ENDPOINTS: Record<Tried, () => Endpoint> = {
  apns: () => device("apns"),
  fcm: () => device("fcm"),
  sms: () => phone(freshNumber()),
  email: () => mail("ada@example.com"),
};
const PLAIN: Record<Tried, Content> = {
  apns: { push: { title: "Order", body: "On its way", data: {} } },
  fcm: { push: { title: "Order", body: "On its way", data: {} } },
  sms: { sms: { text: "On its way" } },
  email: { email: { subject: "Order", text: "On its way", html: "" } },
};
/** With fields that the version before does not know; and what of the payload shows that they arrived. */
const RICH: readonly (readonly [name: string, channel: Tried, content: Content, shows: RegExp, endpoint?: Endpoint])[] = [
  ["a subtitle", "apns", { push: { title: "Order", body: "On its way", data: {}, subtitle: "Number 17" } }, /"subtitle":"Number 17"/],
  ["a badge alone", "apns", { push: { title: "", body: "", data: {}, badge: 0 } }, /"badge":0/],
  ["a silent push", "apns", { push: { title: "", body: "", data: { a: "1" }, background: true } }, /"content-available":1/],
  ["a call", "apns", { push: { title: "", body: "", data: { call: "17" }, voip: true } }, /"call":"17"/, freshTokenOf("voip")],
  [
    "a Live Activity",
    "apns",
    { push: { title: "", body: "", data: {}, liveActivity: { event: "update", contentState: { eta: 17 } } } },
    /"content-state":\{"eta":17\}/,
    freshTokenOf("live-activity"),
  ],
  [
    "a plain push to an installation id",
    "fcm",
    { push: { title: "Order", body: "On its way", data: {} } },
    /"fid":"cAb-_9012345678901234x"/,
    { channel: "fcm", token: "cAb-_9012345678901234x", kind: "installation" },
  ],
  ["an image", "fcm", { push: { title: "Order", body: "", data: {}, imageUrl: "https://img.example/a.png" } }, /img\.example/],
  ["nested data", "fcm", { push: { title: "Order", body: "", data: {}, dataJson: { order: { id: 17 } } } }, /17/],
  ["a text without accents", "sms", { sms: { text: "Its “ready”", transliterate: true } }, /Its \\"ready\\"/],
  [
    "an attachment",
    "email",
    { email: { subject: "Order", text: "Attached", html: "", attachments: sampleAttachments() } },
    /"attachments":\[/,
  ],
];

const hasHistory = (() => {
  try {
    execFileSync("git", ["cat-file", "-e", `${BEFORE}^{commit}`], { cwd: ROOT, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe("dispatchers of the version before beside a gateway of this one", {
  skip: hasHistory ? false : `revision ${BEFORE} is not in this copy of the repository`,
}, () => {
  const stack = new AsyncDisposableStack();
  let sandbox: Sandbox;
  let shared: Record<string, string>;
  let older: string;
  const system = { clients: undefined as unknown as Clients, storeUrl: "" };
  const dispatchers = new Map<Tried, AsyncDisposable & { addresses: Record<string, string> }>();

  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), "carillon-versions-"));
    stack.defer(() => rmSync(directory, { recursive: true, force: true }));
    older = join(directory, "older");
    mkdirSync(older);
    execFileSync("tar", ["-x", "-C", older], { input: execFileSync("git", ["archive", BEFORE], { cwd: ROOT, maxBuffer: 2 ** 28 }) });
    symlinkSync(join(ROOT, "node_modules"), join(older, "node_modules"));
    const [nats, redis] = await Promise.all([startNats(), startRedis()]);
    stack.use(nats);
    stack.use(redis);
    sandbox = stack.use(await startSandbox({ directory: join(directory, "providers") }));
    const token = join(directory, "internal-token");
    writeFileSync(token, randomBytes(32).toString("base64url"), { mode: 0o600 });
    system.storeUrl = `sqlite:${join(directory, "carillon.sqlite")}`;
    shared = {
      ...{ HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", PREFERENCES_LISTEN: "127.0.0.1:0", GATEWAY_LISTEN: "127.0.0.1:0" },
      ...{ STORE_URL: system.storeUrl, NATS_URL: nats.url, REDIS_URL: redis.url, INTERNAL_TOKEN_FILE: token },
      ...sandbox.env,
    };
    const start = async (role: string) => stack.use(await startRole(role, shared));
    shared.PREFERENCES_ADDRESS = (await start("preferences")).addresses.grpc!;
    const gateway = await start("gateway");
    await start("relay");
    const ofOlder = { ...shared, NODE_COMPILE_CACHE: join(directory, "compile-cache") };
    for (const channel of CHANNELS)
      dispatchers.set(channel, stack.use(await startRole(`dispatcher-${channel}`, ofOlder, join(older, "cli/carillon.ts"))));
    const key = (await runCli(["app", "create", "shop"], { STORE_URL: system.storeUrl })).stdout.trim();
    system.clients = stack.use(connectGateway(gateway.addresses.grpc!, key));
  });
  after(() => stack.disposeAsync());

  const sendTo = (channel: Tried, content: Content, endpoint = ENDPOINTS[channel]()) =>
    send(system, { ...notification(), recipient: toEndpoint(endpoint), content: contentToProto(content) });
  const payloads = () => sandbox.ledger.entries().map(({ payload }) => JSON.stringify(payload));

  test("what they know they send; the rest waits, and dispatchers of this version send it whole", async () => {
    for (const channel of CHANNELS) {
      const delivery = await ended(system, await sendTo(channel, PLAIN[channel]));
      assert.equal(delivery.state, "sent", channel);
    }
    const before = payloads().length;
    const waiting = await Promise.all(
      RICH.map(async ([, channel, content, , endpoint]) => ({ channel, accepted: await sendTo(channel, content, endpoint) })),
    );
    for (const channel of CHANNELS)
      await eventually(`the ${channel} dispatcher gives its tasks back`, async () => {
        const metrics = await (await fetch(`http://${dispatchers.get(channel)!.addresses.http}/metrics`)).text();
        return /carillon_tasks_settled_total\{[^}]*why="unknown-need"[^}]*\} [1-9]/.test(metrics);
      });
    assert.equal(payloads().length, before, "nothing of it was sent");
    for (const channel of CHANNELS) stack.use(await startRole(`dispatcher-${channel}`, shared));
    for (const [i, { accepted }] of waiting.entries()) assert.equal((await ended(system, accepted)).state, "sent", RICH[i]![0]);
    const arrived = payloads().slice(before);
    assert.equal(arrived.length, RICH.length, "each once");
    for (const [name, , , shows] of RICH)
      assert.ok(
        arrived.some((payload) => shows.test(payload)),
        `${name} in ${arrived.join("\n")}`,
      );
  });
});
