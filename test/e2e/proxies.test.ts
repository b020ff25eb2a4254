// The whole system where the environment names a proxy for everything, as on many developers' machines: on loopback, and to the sandbox.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { notificationId } from "../../adapters/ids.ts";
import { DEV_APP } from "../../cli/dev/dev.ts";
import { freshNumber } from "../support/fresh.ts";
import { startUnwantedServer } from "../support/unwanted-server.ts";
import { settled, wentOut } from "./calls.ts";
import { runCli, startDevProcess } from "./cli-process.ts";

test("the CLI and every role reach their own servers, and nothing reaches the proxy", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-proxies-"));
  await using proxy = await startUnwantedServer();
  const url = `http://127.0.0.1:${proxy.port}`;
  const names = ["http_proxy", "https_proxy", "grpc_proxy", "all_proxy"].flatMap((name) => [name, name.toUpperCase()]);
  const env = Object.fromEntries(names.map((name) => [name, url]));
  try {
    await using dev = await startDevProcess(directory, env);
    const file = join(directory, "lines.jsonl");
    const about = { category: "orders" };
    const lines = [
      { key: "mail", endpoint: { emailAddress: "ada@example.com" }, email: { subject: "Hi", text: "there" }, ...about },
      { key: "text", endpoint: { phoneNumber: freshNumber() }, sms: { text: "Hi" }, ...about },
    ];
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join("\n"));
    const { code, stderr } = await runCli(["send", "--file", file, "--address", dev.gatewayAddress, "--key-file", dev.keyFile], env);
    assert.equal(code, 0, stderr);
    const ids = lines.map(({ key }) => notificationId(DEV_APP, key));
    await settled(dev, ids, { is: wentOut });
    assert.equal(proxy.connections, 0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
