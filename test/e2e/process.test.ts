// Exit codes and error messages of the command line.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { startNats, startRedis } from "../support/servers.ts";
import { runCli } from "./cli-process.ts";

const PASSWORD = "hunter2-do-not-print";
let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), "carillon-process-"));
  writeFileSync(join(directory, "token"), PASSWORD);
});
after(() => rmSync(directory, { recursive: true, force: true }));

const base = () => ({
  HTTP_PORT: "0",
  HTTP_HOST: "127.0.0.1",
  STORE_URL: `sqlite:${join(directory, "start.sqlite")}`,
  INTERNAL_TOKEN_FILE: join(directory, "token"),
});

/** Servers that reject the connection, or accept it and never answer. */
const SERVERS: readonly [server: string, role: string, variable: string, url: (at: string) => string, remedy: RegExp][] = [
  ["NATS", "gateway", "NATS_URL", (at) => `nats://carillon:${PASSWORD}@${at}`, /nats-server -js.*NATS_URL/],
  ["Redis", "preferences", "REDIS_URL", (at) => `redis://:${PASSWORD}@${at}`, /redis-server.*REDIS_URL/],
  ["MongoDB", "preferences", "STORE_URL", (at) => `mongodb://carillon:${PASSWORD}@${at}/carillon`, /docker run .*mongo/],
];

describe("a server that is unavailable at the start", { concurrency: 3 }, () => {
  for (const [server, role, variable, url, remedy] of SERVERS) {
    test(`${server} rejects the connection`, () => startFails("127.0.0.1:1", role, { [variable]: url("127.0.0.1:1") }, server, remedy));
    test(`${server} never answers`, async () => {
      const silent = createServer((socket) => socket.on("error", () => undefined).resume());
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const { port } = silent.address() as { port: number };
      try {
        await startFails(`127.0.0.1:${port}`, role, { [variable]: url(`127.0.0.1:${port}`) }, server, remedy);
      } finally {
        silent.close();
      }
    });
  }
});

describe("a server with an unsafe setting ends the start with an error that names the setting and its fix", () => {
  const twilio = () => ({
    SMS_PROVIDERS: "twilio",
    TWILIO_ACCOUNT_SID: "AC0",
    TWILIO_AUTH_TOKEN_FILE: join(directory, "token"),
    TWILIO_FROM: "+15550100",
  });

  for (const [role, env] of [["preferences", () => ({})] as const, ["dispatcher-sms", twilio] as const])
    test(`${role} with a Redis that evicts`, async () => {
      await using redis = await startRedis();
      const admin = new Redis(redis.url);
      await admin.config("SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "100mb");
      admin.disconnect();
      const says = /maxmemory-policy is allkeys-lru: .*; CONFIG SET maxmemory-policy noeviction/;
      await startFails(`127.0.0.1:${redis.port}`, role, { ...env(), REDIS_URL: redis.url }, "Redis", says);
    });

  test("relay with streams that keep acknowledged messages", async () => {
    await using nats = await startNats();
    const connection = await connect({ servers: nats.url });
    const { streams } = await jetstreamManager(connection);
    await streams.add({ name: "CARILLON_SMS", subjects: ["carillon.sms.*"], retention: "limits" });
    await connection.close();
    const says = /stream CARILLON_SMS, retention is limits: .*; delete it \(nats stream rm CARILLON_SMS\)/;
    await startFails(`127.0.0.1:${nats.port}`, "relay", { NATS_URL: nats.url }, "NATS", says);
  });

  test("relay with a STORE_URL that weakens the write concern", async () => {
    const STORE_URL = `mongodb://carillon:${PASSWORD}@127.0.0.1:1/carillon?journal=false`;
    await startFails("STORE_URL", "relay", { STORE_URL }, "STORE_URL", /journal is false: .*; take journal out of STORE_URL/);
  });
});

async function startFails(at: string, role: string, env: Record<string, string>, server: string, remedy: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runCli([role], { ...base(), ...env });
  assert.equal(code, 1, stderr);
  const lines = stderr.split("\n").filter((line) => line.startsWith("carillon: "));
  assert.equal(lines.length, 1, stderr);
  assert.ok(lines[0]!.includes(server) && lines[0]!.includes(at), lines[0]);
  assert.match(lines[0]!, remedy);
  assert.doesNotMatch(stdout + stderr, /\n\s+at |node:internal/, "a stack is for bugs");
  assert.ok(!(stdout + stderr).includes(PASSWORD));
}

test("all configuration errors are reported at once, without the values", async () => {
  const mistakes = {
    LOG_LEVEL: PASSWORD,
    HTTP_PORT: "99999",
    DRAIN_MS: "soon",
    NATS_REPLICAS: "0",
    GATEWAY_REFLECTION: "perhaps",
    NATS_PASSWORD_FILE: join(directory, "absent"),
    STORE_PASSWORD_FILE: directory,
  };
  const { code, stdout, stderr } = await runCli(["gateway"], mistakes);
  assert.equal(code, 1);
  for (const name of [...Object.keys(mistakes), "STORE_URL", "INTERNAL_TOKEN_FILE"]) assert.match(stderr, new RegExp(`^  ${name}: `, "m"));
  assert.match(stderr, /9 mistakes/);
  assert.ok(!(stdout + stderr).includes(PASSWORD));
  assert.doesNotMatch(stderr, /\n\s+at /);
});

test("invalid commands exit with 2 and print the valid ones", async () => {
  const wrong: [string[], RegExp][] = [
    [["ring"], /unknown command or role "ring"[\s\S]*`carillon help` lists them/],
    [["send"], /--file or --to is missing\nusage: carillon send/],
    [["send", "--fil", "x"], /--fil/],
    [["config", "no-role"], /ROLE must be one of preferences, gateway/],
  ];
  await Promise.all(
    wrong.map(async ([args, says]) => {
      const { code, stdout, stderr } = await runCli(args);
      assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: "" });
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /\n\s+at /);
    }),
  );
});

test("config prints a role's variables", async () => {
  const { code, stdout } = await runCli(["config", "gateway"]);
  assert.equal(code, 0);
  for (const name of ["STORE_URL", "NATS_URL", "GATEWAY_REFLECTION", "DRAIN_MS"])
    assert.match(stdout, new RegExp(`^\\| \`${name}\` \\|`, "m"));
});
