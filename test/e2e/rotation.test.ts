// Providers' keys are replaced under running dispatchers, in the way a kubelet does it.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { connectGateway } from "../../cli/gateway/connect.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { mountSecret } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { freshEndpoint } from "../support/fresh.ts";
import { send, settled, toEndpoint, wentOut } from "./calls.ts";
import { startDevProcess } from "./cli-process.ts";

/** Keys that a new sandbox in the same directory creates again. A browser's subscription is bound to its VAPID key, so that one stays. */
const ROTATED = [
  ...["APNS_KEY_FILE", "FCM_SERVICE_ACCOUNT_FILE", "TWILIO_AUTH_TOKEN_FILE", "VONAGE_API_SECRET_FILE"],
  ...["SENDGRID_API_KEY_FILE", "MANDRILL_API_KEY_FILE"],
] as const;
const MOUNTED = [...ROTATED, "WEBPUSH_VAPID_PRIVATE_KEY_FILE"] as const;

interface Line {
  service?: string;
  level?: string;
  msg?: string;
  outcome?: string;
  variables?: string[];
  provider?: string;
}

test("new keys are used without a restart, and unusable ones are ignored", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-rotation-"));
  const providers = join(directory, "providers");
  const keys = join(directory, "keys");
  mkdirSync(keys);
  const keysOf = ({ env }: Sandbox) => Object.fromEntries(MOUNTED.map((name) => [basename(env[name]!), readFileSync(env[name]!, "utf8")]));
  let sandbox = await startSandbox({ directory: providers });
  try {
    const { env } = sandbox;
    const old = keysOf(sandbox);
    const mounted = mountSecret(keys, { ...old, [basename(env.WEBPUSH_VAPID_PRIVATE_KEY_FILE!)]: "A".repeat(43) });
    const paths = Object.fromEntries(MOUNTED.map((name) => [name, mounted.path(basename(env[name]!))]));
    await using dev = await startDevProcess(directory, { ...env, ...paths, LOG_LEVEL: "debug" });
    using clients = connectGateway(dev.gatewayAddress, readFileSync(dev.keyFile, "utf8").trim());
    const logLines = () =>
      dev
        .stderr()
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line);
    const rejectedBy = () => new Set(logLines().flatMap((l) => (l.outcome === "misconfigured" ? (l.provider ?? "") : [])));
    const readers = (msg: string) => logLines().filter((l) => l.msg === msg);
    const sendTo = async (channels: readonly (typeof CHANNELS)[number][]) =>
      Promise.all(channels.map((c) => send({ clients }, { recipient: toEndpoint(freshEndpoint(c, sandbox)) })));
    const goOut = async (channels: readonly (typeof CHANNELS)[number][]) => {
      const ids = (await sendTo(channels)).map((accepted) => accepted.notificationId);
      await settled(dev, ids, { is: wentOut });
    };

    await goOut(["apns", "fcm", "sms", "email"]);
    await sandbox[Symbol.asyncDispose]();
    for (const name of ROTATED) rmSync(env[name]!);
    sandbox = await startSandbox({ directory: providers });
    assert.equal(sandbox.env.APNS_ORIGIN, env.APNS_ORIGIN);
    await sendTo(CHANNELS);
    await eventually("every provider rejects the old keys", () => rejectedBy().size === 7);

    const useless = Object.fromEntries(Object.entries(old).map(([file]) => [file, `useless-${file}`]));
    mounted.replace({ ...old, [basename(env.APNS_KEY_FILE!)]: useless[basename(env.APNS_KEY_FILE!)]! });
    const rejected = "changed files cannot be used; what they held before stays in use";
    await eventually("the unusable key is logged", () => readers(rejected).length > 0);
    assert.deepEqual(
      readers(rejected).map(({ service, variables }) => ({ service, variables })),
      [{ service: "dispatcher-apns", variables: ["APNS_KEY_FILE"] }],
    );

    const current = keysOf(sandbox);
    for (const name of ROTATED) assert.notEqual(current[basename(env[name]!)], old[basename(env[name]!)], name);
    mounted.replace(current);
    const took = () =>
      new Set(readers("configuration reloaded").flatMap((l) => (l.variables?.some(isRotatedOrPush) ? (l.service ?? "") : [])));
    await eventually("all have read the new keys", () => took().size === 6);
    // At once, although each circuit breaker was open for 30 s.
    await goOut(CHANNELS);
    assert.equal(readers(rejected).length, 1);

    const printed = dev.stderr() + dev.stdout();
    for (const text of [old, current, useless].flatMap((files) => Object.values(files)))
      for (const line of text.split("\n")) if (line.length > 12 && !line.startsWith("-----")) assert.ok(!printed.includes(line));
    assert.ok(printed.includes("dispatcher-apns"));
  } finally {
    await sandbox[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  }
});

const isRotatedOrPush = (variable: string) => MOUNTED.some((name) => name === variable);
