import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const PRELOAD = join(import.meta.dirname, "pod-network.ts");
const LINUX_ONLY = process.platform === "linux" ? false : "only Linux allows listening on all of 127.0.0.0/8";

/** Runs it as a pod at 127.97.0.9, and resolves with what it prints. */
async function inPod(code: string, names: Record<string, string[]> = {}): Promise<unknown> {
  const directory = mkdtempSync(join(tmpdir(), "carillon-pod-"));
  try {
    const file = join(directory, "names.json");
    writeFileSync(file, JSON.stringify(names));
    const env = { ...process.env, POD_ADDRESS: "127.97.0.9", POD_NAMES_FILE: file };
    const child = spawn(process.execPath, ["--import", PRELOAD, "--input-type=module", "-e", code], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (some: string) => {
      text += some;
    });
    await once(child, "close");
    return JSON.parse(text) as unknown;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const listening = (listen: string) => `
  import { createServer } from "node:net";
  const server = createServer();
  server.listen(${listen}, () => { console.log(JSON.stringify(server.address().address)); server.close(); });`;

test("a process that listens on every address listens on the pod's", { skip: LINUX_ONLY }, async () => {
  for (const listen of ["0", '{ port: 0, host: "0.0.0.0" }', '0, "0.0.0.0"', '{ port: 0, host: "::" }', "{ port: 0 }"])
    assert.equal(await inPod(listening(listen)), "127.97.0.9", listen);
  assert.equal(await inPod(listening('0, "127.0.0.1"')), "127.0.0.1");
});

test("a service's name resolves to its addresses, with lookup in both APIs", async () => {
  const names = { preferences: ["127.97.0.1", "127.97.0.2"], empty: [] };
  const found = await inPod(
    `import dns, { lookup } from "node:dns";
     const all = await dns.promises.lookup("preferences", { all: true });
     const one = await new Promise((done) => lookup("preferences", (error, address) => done(address)));
     const none = await dns.promises.lookup("empty").catch((error) => error.code);
     const other = (await dns.promises.lookup("127.0.0.1")).address;
     console.log(JSON.stringify([all.map((a) => a.address), one, none, other]));`,
    names,
  );
  assert.deepEqual(found, [["127.97.0.1", "127.97.0.2"], "127.97.0.1", "ENOTFOUND", "127.0.0.1"]);
});
