// As in production: every role in a process of its own, connected only by the store, JetStream and Redis.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { registerExamples } from "../../cli/dev/seed.ts";
import { connectGateway } from "../../cli/gateway/connect.ts";
import type { LineResult } from "../../cli/gateway/send.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, freshToken } from "../support/fresh.ts";
import { startNats, startRedis } from "../support/servers.ts";
import { settled } from "./calls.ts";
import { runCli } from "./cli-process.ts";
import { type RoleProcess, startRole } from "./role-process.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const EXAMPLE_DELIVERIES = 328;

/** Two channels with eight concurrent calls per class: they take three seconds. */
const COUNT = 500;
const CALL_MS = 100;
const IN_FLIGHT = 8;
const HALF_WAY = 100;

describe("every role in a process of its own", () => {
  const stack = new AsyncDisposableStack();
  let sandbox: Sandbox;
  let directory: string;
  let storeUrl: string;
  let shared: Record<string, string>;
  let apiKey: string;
  const roles: RoleProcess[] = [];
  const roleOf = (name: string) => roles.find((r) => r.role === name)!;
  const start = async (role: string, env: Record<string, string> = {}) => {
    const running = stack.use(await startRole(role, { ...shared, ...env }));
    roles.push(running);
    return running;
  };

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "carillon-processes-"));
    stack.defer(() => rmSync(directory, { recursive: true, force: true }));
    const [nats, redis] = await Promise.all([startNats(), startRedis()]);
    stack.use(nats);
    stack.use(redis);
    sandbox = stack.use(await startSandbox({ directory: join(directory, "providers") }));
    storeUrl = `sqlite:${join(directory, "carillon.sqlite")}`;
    const token = join(directory, "internal-token");
    writeFileSync(token, randomBytes(32).toString("base64url"), { mode: 0o600 });
    shared = {
      ...{ HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", PREFERENCES_LISTEN: "127.0.0.1:0", GATEWAY_LISTEN: "127.0.0.1:0" },
      AUTOSCALER_LISTEN: "127.0.0.1:0",
      ...{ STORE_URL: storeUrl, NATS_URL: nats.url, REDIS_URL: redis.url, INTERNAL_TOKEN_FILE: token },
      ...{ DISPATCH_IN_FLIGHT: String(IN_FLIGHT) },
      ...sandbox.env,
    };
    shared.PREFERENCES_ADDRESS = (await start("preferences")).addresses.grpc!;
    const others = ["gateway", "relay", "dispatcher-apns", "dispatcher-fcm", "dispatcher-webpush", "dispatcher-sms", "dispatcher-email"];
    await Promise.all(others.map((role) => start(role)));
    await start("autoscaler");
    apiKey = (await runCli(["app", "create", "shop"], { STORE_URL: storeUrl })).stdout.trim();
    writeFileSync(join(directory, "api-key"), apiKey);
  });
  after(() => stack.disposeAsync());

  /** Sends through `carillon send`; resolves to the accepted ids. */
  async function sendFile(file: string): Promise<string[]> {
    const address = roleOf("gateway").addresses.grpc!;
    const { stdout, stderr } = await runCli(["send", "--file", file, "--address", address, "--key-file", join(directory, "api-key")]);
    assert.equal(stderr, "");
    const results = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as LineResult);
    return [...new Set(results.flatMap((r) => r.notificationId ?? []))];
  }

  async function auditHolds(deliveries: number): Promise<void> {
    const { code, stdout } = await runCli(["audit", "--ledger", sandbox.adminUrl], { STORE_URL: storeUrl });
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`${deliveries} = ${deliveries} ended \\+ 0 open`));
  }

  test("each answers /healthz and /readyz", async () => {
    assert.equal(roles.length, 9);
    for (const { role, addresses } of roles)
      for (const path of ["healthz", "readyz"])
        assert.equal((await fetch(`http://${addresses.http}/${path}`)).status, 200, `${role} ${path}`);
  });

  test("the examples end", async () => {
    {
      using clients = connectGateway(roleOf("gateway").addresses.grpc!, apiKey);
      await registerExamples(EXAMPLES, clients, sandbox);
    }
    await settled({ storeUrl }, await sendFile(join(EXAMPLES, "notifications.jsonl")));
    await auditHolds(EXAMPLE_DELIVERIES);
  });

  test("two relays and two dispatchers of a channel share the work, and one that is stopped leaves its work to the other: each notification is sent once", async () => {
    for (const provider of ["apns", "sendgrid"] as const)
      sandbox.faults.order({ provider, times: 10 * COUNT, do: { kind: "delay", ms: CALL_MS } });
    const [, twin] = await Promise.all([start("relay"), start("dispatcher-email")]);
    const [apns, email] = [roleOf("dispatcher-apns"), roleOf("dispatcher-email")];
    const before = { taken: sandbox.ledger.acceptances().size, email: email.attempts() };

    const lines = Array.from({ length: COUNT }, (_, i) => ({
      ...{
        key: `order-${i}`,
        category: "orders",
        push: { title: "Your order" },
        email: { subject: "Your order", text: "It is on its way." },
      },
      endpoint: i % 2 === 0 ? { apnsToken: freshToken() } : { emailAddress: `${fresh("ada")}@example.com` },
      // Scheduled, so that the relays publish them.
      ...(i % 4 < 2 ? {} : { sendAt: "+1s" }),
    }));
    const file = join(directory, "orders.jsonl");
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join("\n"));
    const ids = await sendFile(file);
    assert.equal(ids.length, COUNT);

    await eventually("half way", () => sandbox.ledger.acceptances().size >= before.taken + HALF_WAY);
    apns.child.kill("SIGTERM");
    assert.equal((await apns.ended).code, 0, apns.stderr());
    assert.ok(sandbox.ledger.acceptances().size < before.taken + COUNT, "all were sent before it ended");
    const heir = await start("dispatcher-apns");

    const records = await settled({ storeUrl }, ids);
    assert.ok(records.every((n) => n.deliveries.every((d) => d.state === "sent" && d.attempt === 1)));
    assert.deepEqual(new Set(sandbox.ledger.acceptances().values()), new Set([1]));
    for (const [name, attempts] of [
      ["the first", email.attempts() - before.email],
      ["its twin", twin.attempts()],
      ["the heir", heir.attempts()],
    ])
      assert.ok(Number(attempts) > 0, `${name} made no attempt`);
    await auditHolds(EXAMPLE_DELIVERIES + COUNT);
  });

  test("each ends with status 0 on SIGTERM, and has logged no address and no secret", async () => {
    for (const { child } of roles) child.kill("SIGTERM");
    const secrets = [apiKey, readFileSync(shared.INTERNAL_TOKEN_FILE!, "utf8"), "@example.com", "Your order"];
    for (const { role, ended } of roles) {
      const { code, stdout, stderr } = await ended;
      assert.deepEqual({ role, code, stdout }, { role, code: 0, stdout: "" });
      for (const secret of secrets) assert.ok(!stderr.includes(secret), `${role} logged ${secret}`);
      assert.match(stderr, /"msg":"stopped"\}\n$/);
    }
  });
});
