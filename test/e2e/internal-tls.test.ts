// mTLS between the roles and at the gateway: notifications arrive, also after certificates are renewed, and callers without one are rejected.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ServiceError, status } from "@grpc/grpc-js";
import { NotificationServiceClient, NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { PreferenceServiceClient, PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { callUnary, createClient } from "../../runtime/grpc/client.ts";
import { internalMetadata } from "../../runtime/grpc/internal-call.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type Certificates, watchCertificates } from "../../runtime/tls/grpc-tls.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { type Authority, createAuthority, type MountedSecret, mountSecret } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { healthAt } from "../support/health.ts";
import { checkRequest } from "../support/preference-requests.ts";
import { startNats, startRedis } from "../support/servers.ts";
import { mail, notification, toEndpoint } from "./calls.ts";
import { runCli } from "./cli-process.ts";
import { type RoleProcess, startRole } from "./role-process.ts";

const TOKEN = randomBytes(32).toString("base64url");
const log = createLogger("test", "silent");

describe("with certificates", () => {
  const stack = new AsyncDisposableStack();
  const roles = new Map<string, RoleProcess>();
  let directory: string;
  let ours: Authority;
  let secret: MountedSecret;
  let sandbox: Sandbox;
  let caller: Certificates;
  let apiKey: string;
  const portOf = (role: string) => Number(roles.get(role)!.addresses.grpc!.split(":")[1]);
  const secretFiles = async (...authorities: Authority[]) => {
    const { cert, key } = await authorities.at(-1)!.issue();
    return { "tls.crt": cert, "tls.key": key, "ca.crt": authorities.map((a) => a.cert).join("\n") };
  };
  const mounted = async (name: string, ...authorities: Authority[]) => {
    mkdirSync(join(directory, name));
    return mountSecret(join(directory, name), await secretFiles(...authorities));
  };
  const watched = (of: MountedSecret) => {
    const file = (name: string) => ({ name, path: of.path(name) });
    return watchCertificates({ cert: file("tls.crt"), key: file("tls.key"), ca: file("ca.crt") }, { log });
  };

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "carillon-mtls-"));
    stack.defer(() => rmSync(directory, { recursive: true, force: true }));
    const [nats, redis] = await Promise.all([startNats(), startRedis()]);
    stack.use(nats);
    stack.use(redis);
    sandbox = stack.use(await startSandbox({ directory: join(directory, "providers") }));
    ours = await createAuthority("ours");
    secret = await mounted("internal", ours);
    caller = watched(await mounted("caller", ours));
    writeFileSync(join(directory, "token"), TOKEN);
    const env: Record<string, string> = {
      ...{ HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", HEALTH_PORT: "0", PREFERENCES_LISTEN: "127.0.0.1:0", GATEWAY_LISTEN: "127.0.0.1:0" },
      ...{ STORE_URL: `sqlite:${join(directory, "carillon.sqlite")}`, NATS_URL: nats.url, REDIS_URL: redis.url },
      ...{ INTERNAL_TOKEN_FILE: join(directory, "token"), INTERNAL_TLS_CERT_FILE: secret.path("tls.crt") },
      ...{ INTERNAL_TLS_KEY_FILE: secret.path("tls.key"), INTERNAL_TLS_CA_FILE: secret.path("ca.crt") },
      ...{ GATEWAY_TLS_CERT_FILE: secret.path("tls.crt"), GATEWAY_TLS_KEY_FILE: secret.path("tls.key") },
      ...{ GATEWAY_TLS_CLIENT_CA_FILE: secret.path("ca.crt") },
      ...sandbox.env,
    };
    const start = async (role: string) => roles.set(role, stack.use(await startRole(role, env)));
    await start("preferences");
    // By name, which the certificates hold.
    // So that there are calls among the roles.
    env.OPT_OUTS_READ = "service";
    env.PREFERENCES_ADDRESS = `dns:///localhost:${portOf("preferences")}`;
    await Promise.all([start("gateway"), start("dispatcher-email")]);
    apiKey = (await runCli(["app", "create", "shop"], { STORE_URL: env.STORE_URL! })).stdout.trim();
  });
  after(() => stack.disposeAsync());

  /** Sends to this unused mailbox; resolves when the provider has accepted it. */
  async function sendOne(address: string): Promise<void> {
    using client = createClient(NotificationServiceClient, `localhost:${portOf("gateway")}`, { tls: caller, token: apiKey });
    await callUnary(client, NotificationServiceService.sendNotification, {
      notification: notification({ recipient: toEndpoint(mail(address)) }),
      validateOnly: false,
    });
    await eventually("it arrived", () => sandbox.ledger.entries().some((entry) => entry.accepted && entry.recipient === address));
  }

  test("a notification passes the gateway, preferences and a dispatcher", () => sendOne("ada@example.com"));

  test("the CLI presents its certificate, given by options or by the environment", async () => {
    const caller = await mounted("cli", ours);
    const [file, keyFile] = [join(directory, "lines.jsonl"), join(directory, "api-key")];
    const line = {
      key: "by-cli",
      endpoint: { emailAddress: "lin@example.com" },
      category: "orders",
      email: { subject: "Hi", text: "there" },
    };
    writeFileSync(file, JSON.stringify(line));
    writeFileSync(keyFile, apiKey);
    const client = ["--address", `localhost:${portOf("gateway")}`, "--key-file", keyFile];
    const ca = ["--tls-ca-file", caller.path("ca.crt")];
    const pair = ["--tls-cert-file", caller.path("tls.crt"), "--tls-key-file", caller.path("tls.key")];
    const sent = await runCli(["send", "--file", file, ...client, ...ca, ...pair]);
    assert.equal(sent.code, 0, sent.stdout + sent.stderr);
    const { notificationId } = JSON.parse(sent.stdout) as { notificationId: string };
    const got = await runCli(["get", notificationId, ...client], {
      CARILLON_TLS_CA_FILE: caller.path("ca.crt"),
      CARILLON_TLS_CERT_FILE: caller.path("tls.crt"),
      CARILLON_TLS_KEY_FILE: caller.path("tls.key"),
    });
    assert.equal(got.code, 0, got.stderr);
    assert.match(got.stdout, /by-cli/);
    // Without a certificate, with the system's CAs, and in plain text it is rejected.
    for (const options of [ca, ["--tls"], []]) {
      const rejected = await runCli(["get", notificationId, ...client, ...options]);
      assert.equal(rejected.code, 1, rejected.stdout);
      assert.match(rejected.stderr, /UNAVAILABLE|DEADLINE_EXCEEDED/);
    }
  });

  test("probes need no certificate", async () => {
    for (const [role, { addresses }] of roles)
      assert.deepEqual(await healthAt(Number(addresses.health!.split(":")[1])), ["SERVING", "SERVING", "SERVING"], role);
  });

  test("a caller with the token or a key but without our certificate is rejected everywhere", async () => {
    const foreign = await createAuthority("foreign");
    const { cert, key } = await foreign.issue();
    mkdirSync(join(directory, "foreign"));
    const strange = watched(mountSecret(join(directory, "foreign"), { "tls.crt": cert, "tls.key": key, "ca.crt": ours.cert }));
    for (const tls of [undefined, strange]) {
      using preferences = createClient(PreferenceServiceClient, `localhost:${portOf("preferences")}`, { tls });
      using gateway = createClient(NotificationServiceClient, `localhost:${portOf("gateway")}`, { tls, token: apiKey });
      const isOptedOut = (error: ServiceError) => error.code === status.UNAVAILABLE;
      const metadata = internalMetadata(() => [TOKEN], "shop");
      await assert.rejects(callUnary(preferences, PreferenceServiceService.checkPreferences, checkRequest([]), { metadata }), isOptedOut);
      await assert.rejects(
        callUnary(gateway, NotificationServiceService.sendNotification, { notification: notification(), validateOnly: false }),
        isOptedOut,
      );
    }
  });

  test("certificates are renewed under running roles, and notifications keep arriving", async () => {
    const next = await createAuthority("next");
    // Both CAs first, so that a role that reads the files early still trusts the others.
    secret.replace(await secretFiles(next, ours));
    // The gateway uses the files twice: for callers, and for preferences.
    const readAnew = (times: number) => () =>
      [...roles].every(([role, { stderr }]) => stderr().split("certificates reloaded").length - 1 === times * (role === "gateway" ? 2 : 1));
    await eventually("every role has read both authorities", readAnew(1));
    secret.replace(await secretFiles(ours, next));
    await eventually("every role has read the new certificate", readAnew(2));
    caller = watched(await mounted("caller-anew", next));
    await sendOne("grace@example.com");
  });
});
