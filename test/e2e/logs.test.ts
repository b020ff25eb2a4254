// The logs of a run at level debug contain no personal data and no credentials.

import assert from "node:assert/strict";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { connectGateway } from "../../cli/gateway/connect.ts";
import { contentToProto } from "../../core/content/content.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { createApiKey } from "../../operations/apps/api-key.ts";
import { type FaultAction, type ProviderName, startSandbox } from "../../sandbox/main.ts";
import { eventually } from "../support/eventually.ts";
import { allAttempts } from "../support/everything.ts";
import { fresh, freshEndpoint } from "../support/fresh.ts";
import { notification, optOut, register, rejectionOf, send, toEndpoint, toUser } from "./calls.ts";
import { startDevProcess } from "./cli-process.ts";

const ANSWERS: readonly FaultAction[] = [
  { kind: "answer", status: 400, body: { error: "no such thing" } },
  { kind: "answer", status: 500, body: "not even JSON" },
  { kind: "cut-before" },
  { kind: "cut-after" },
  { kind: "no-answer" },
  { kind: "answer", status: 401 },
];
const PROVIDERS: readonly ProviderName[] = ["apns", "fcm", "webpush", "twilio", "vonage", "sendgrid", "mandrill"];

interface Line {
  msg?: string;
  deliveryId?: string;
  attempt?: number;
  channel?: string;
  provider?: string;
  outcome?: string;
  elapsedMs?: number;
}

test("no endpoint, content or credential is printed, and each attempt has its line", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-logs-"));
  try {
    await using sandbox = await startSandbox({ directory: join(directory, "providers") });
    await using dev = await startDevProcess(directory, { ...sandbox.env, LOG_LEVEL: "debug", PROVIDER_DEADLINE_MS: "500" });
    const apiKey = readFileSync(dev.keyFile, "utf8").trim();
    using clients = connectGateway(dev.gatewayAddress, apiKey);
    const caller = { clients };

    const secrets = new Map<string, string>([["API key", apiKey]]);
    const words = {
      title: fresh("Title"),
      body: fresh("Body"),
      data: fresh("Data"),
      text: fresh("Text"),
      subject: fresh("Subject"),
      html: fresh("Html"),
    };
    for (const [what, word] of Object.entries(words)) secrets.set(what, word);
    const push = { title: words.title, body: words.body, data: { order: words.data } };
    const [sms, email] = [{ text: words.text }, { subject: words.subject, html: words.html, text: "" }];
    const content = contentToProto({ push, sms, email });
    const endpoint = (channel: Channel): Endpoint => {
      const made = freshEndpoint(channel, sandbox);
      if (made.channel === "webpush")
        for (const part of ["pushUrl", "p256dh", "auth"] as const) secrets.set(`${part} of ${made.pushUrl}`, made[part]);
      else if (made.channel === "sms") secrets.set(`number ${made.phoneNumber}`, made.phoneNumber.slice(1));
      else if (made.channel === "email") secrets.set(`address ${made.address}`, made.address);
      else secrets.set(`${channel} token ${made.token}`, made.token);
      return made;
    };

    // First without faults, then with each fault, for each provider.
    const sendEverywhere = () => Promise.all(CHANNELS.map((c) => send(caller, { recipient: toEndpoint(endpoint(c)), content })));
    let accepted = (await sendEverywhere()).length;
    for (const answer of ANSWERS) {
      await eventually("earlier attempts are answered", async () => (await attemptsIn(dev.storeUrl, true)).length >= accepted);
      for (const provider of PROVIDERS) sandbox.faults.order({ provider, do: answer });
      accepted += (await sendEverywhere()).length;
    }
    // To a user, suppressed, rejected by the gateway, and with an unknown key.
    const user = fresh("grace");
    const [number, rejected] = [endpoint("sms"), endpoint("email")];
    await register(caller, user, number);
    await optOut(caller, rejected);
    await send(caller, { recipient: toUser(user), content });
    await send(caller, { recipient: toEndpoint(rejected), content });
    const wrong = notification({
      recipient: toEndpoint(endpoint("apns")),
      content: contentToProto({ push: { ...push, body: words.body.repeat(500) }, sms, email }),
    });
    await rejectionOf(send(caller, wrong));
    const unknown = createApiKey().key;
    secrets.set("unknown API key", unknown);
    using stranger = connectGateway(dev.gatewayAddress, unknown);
    await rejectionOf(send({ clients: stranger }, { content }));
    await eventually("every call is answered", async () => (await attemptsIn(dev.storeUrl, true)).length > accepted);
    dev.child.kill("SIGTERM");
    const { stdout, stderr } = await dev.ended;

    const printed = stdout + stderr;
    for (const [what, secret] of [...secrets, ...credentialsIn(directory)])
      assert.ok(!printed.includes(secret), `${what} is printed: ${around(printed, secret)}`);

    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    const attemptLines = lines.filter((l) => l.msg === "attempt");
    const attempts = (await attemptsIn(dev.storeUrl, false)).filter((a) => a.provider !== "");
    assert.deepEqual(
      attemptLines.map((l) => `${l.deliveryId}/${l.attempt} ${l.outcome}`).sort(),
      attempts.map((a) => `${a.id} ${a.outcome?.kind}`).sort(),
    );
    for (const line of attemptLines) {
      assert.ok(
        CHANNELS.some((c) => c === line.channel),
        JSON.stringify(line),
      );
      assert.ok(Number.isInteger(line.elapsedMs), JSON.stringify(line));
      assert.ok(
        PROVIDERS.some((p) => p === line.provider),
        JSON.stringify(line),
      );
    }
    const outcomes = new Set(attemptLines.map((l) => l.outcome));
    for (const outcome of ["accepted", "unanswered", "unavailable", "misconfigured"])
      assert.ok(outcomes.has(outcome), `${outcome} was not among ${[...outcomes]}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

async function attemptsIn(storeUrl: string, answeredOnly: boolean) {
  await using store = await openStore(storeUrl);
  return (await allAttempts(store)).filter((a) => !answeredOnly || a.outcome);
}

/** Every credential file, as a whole and by lines: keys are sent without their PEM frame, tokens within JSON. */
function credentialsIn(directory: string): [string, string][] {
  const files = globSync("**/{*.p8,*.pem,*.json,*token*,*key*,*secret*}", { cwd: directory });
  assert.ok(files.length >= 5, `only ${files.join(", ")}`);
  return files.flatMap((file) => {
    const text = readFileSync(join(directory, file), "utf8").trim();
    const lines = text.split(/\n|\\n/).map((l) => l.trim());
    return lines
      .filter((l) => l.length >= 16 && !/^-----|^[{}[\]]/.test(l) && !file.includes("ca"))
      .map((l): [string, string] => [file, l]);
  });
}

const around = (text: string, part: string) => {
  const at = text.indexOf(part);
  return text
    .slice(Math.max(0, at - 200), at)
    .split("\n")
    .at(-1);
};
