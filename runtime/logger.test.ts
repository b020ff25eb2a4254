import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { createLogger } from "./logger.ts";

function printed(write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger("test", "debug", { write: (line) => void lines.push(line) }));
  return lines.join("");
}

test("the printed line masks endpoints, content and credentials wherever they stand", () => {
  const secret = "hunter2";
  const line = printed((log) =>
    log.info(
      {
        endpoint: { token: secret },
        task: { endpoint: { phoneNumber: secret }, content: { title: secret } },
        apiKey: secret,
        deliveryId: "d-0",
      },
      "attempt",
    ),
  );
  assert.doesNotMatch(line, /hunter2/);
  assert.match(line, /d-0/);
});

test("a foreign error is printed without what it carries", () => {
  const error = Object.assign(new Error("failed for +4915112345678 and ada@example.com with Bearer abc.def"), {
    config: { headers: { Authorization: "Basic xyz" } },
    code: "ECONNRESET",
  });
  const line = printed((log) => log.error({ err: error }, "no"));
  assert.doesNotMatch(line, /4915112345678|ada@example|abc\.def|Basic|xyz/);
  assert.match(line, /ECONNRESET/);
});

test("a URL's password is cut out of a message", () => {
  assert.doesNotMatch(
    printed((log) => log.error({ err: new Error("cannot reach mongodb://u:hunter2@host/db") }, "no")),
    /hunter2/,
  );
});

test("the last lines of a process are written, in their order, before it ends", () => {
  // The first line's write waits for the only thread there is, and the others wait for it.
  const script = `
    import { pbkdf2 } from "node:crypto";
    import { closeLogger, createLogger } from "${import.meta.resolve("./logger.ts")}";
    const log = createLogger("test");
    await new Promise((resolve) => setTimeout(resolve, 20));
    pbkdf2("", "", 300_000, 32, "sha256", () => {});
    for (let i = 0; i < 3; i++) log.info("line " + i);
    await closeLogger(log);
    process.exit(0);`;
  const output = execFileSync("/bin/sh", ["-c", '"$0" --input-type=module -e "$1" 2>&1', process.execPath, script], {
    encoding: "utf8",
    env: { ...process.env, UV_THREADPOOL_SIZE: "1" },
  });
  const lines = output.trim().split("\n");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ["line 0", "line 1", "line 2"],
  );
});
