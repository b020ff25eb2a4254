// Clients in other languages, written against the contract only, send a notification and follow it until it is sent.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { cacheFolder } from "../../cli/dev/find-server.ts";
import { startSystem } from "../support/system.ts"; // the only thing of the servers' side used here

const run = promisify(execFile);
/** A client's own timeout is 30 s; the rest is for starting it. */
const CLIENT_DEADLINE_MS = 60_000;
/** For the first run, which fetches packages and compiles programs. */
const PREPARE_DEADLINE_MS = 180_000;

const cache = join(cacheFolder(process.env), "example-clients");
/** The reasons that callers are advised to use (docs/calling.md). */
const SERVICE_CONFIG = join(import.meta.dirname, "../../examples/service-config.json");
const prepare = join(import.meta.dirname, "prepare");
const CLIENTS = [
  { language: "Node", folder: "node", needs: "", command: [process.execPath, "examples/clients/node/client.ts"] },
  { language: "Python", folder: "python", needs: "python3 3.10 or newer with venv", command: [".venv/bin/python3", "client.py"] },
  { language: "Go", folder: "go", needs: "go 1.24 or newer", command: ["./client"] },
  {
    language: "Java",
    folder: "java",
    needs: "a JDK 17 or newer, or curl,",
    command: ["java", "-cp", "target/classes:target/dependency/*", "Client"],
  },
] as const;

let system: Awaited<ReturnType<typeof startSystem>>;
before(async () => {
  system = await startSystem();
});
after(() => system?.[Symbol.asyncDispose]());

for (const { language, folder, needs, command } of CLIENTS) {
  const missing = spawnSync(prepare, ["can", folder]).status !== 0 ? `${needs} is missing` : false;
  const client = async (apiKey: string) => {
    await run(prepare, [folder], { timeout: PREPARE_DEADLINE_MS });
    const [program, ...leading] = command;
    const argv = [...leading, `dns:///${system.gatewayAddress}`, apiKey, SERVICE_CONFIG];
    return run(program, argv, { cwd: join(cache, folder), timeout: CLIENT_DEADLINE_MS });
  };

  test(`a client in ${language} sends one notification and follows it until it is sent`, { skip: missing }, async () => {
    assert.match((await client(system.apiKey)).stdout, /^DELIVERY_STATE_(SENT|DELIVERED)\n$/);
  });

  test(`a client in ${language} with an invalid key gets an error`, { skip: missing }, async () => {
    await assert.rejects(client("no-such-key"), (error) => {
      assert.ok(error instanceof Error && "code" in error && "stderr" in error);
      assert.equal(error.code, 1);
      assert.match(String(error.stderr), /unauthenticated/i);
      return true;
    });
  });
}
