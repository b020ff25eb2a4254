import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { createLogger, errorLine } from "./logger.ts";

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

const SECRET = "hunter2";
const hostile = {
  "a nested field in another case": { call: { Headers: { x: SECRET }, Authorization: SECRET } },
  "a field in a list": { tasks: [{ deliveryId: "d-0", endpoint: { token: SECRET } }, [{ accessToken: SECRET }]] },
  "a field deeper than anybody looks": { a: { b: { c: { d: { e: { f: { g: { h: { password: SECRET } } } } } } } } },
  "an error in a field of another name": { fault: { cause: Object.assign(new Error("broken"), { config: { auth: SECRET } }) } },
  "an error as the fields": Object.assign(new Error(`sent Bearer ${SECRET}`), { headers: SECRET }),
  "text thrown in the place of an error": { err: SECRET },
  "an object with toJSON": { when: { toJSON: () => ({ password: SECRET }) } },
  "a URL with a password": { url: new URL(`nats://user:${SECRET}@host`), text: `nats://user:${SECRET}@host` },
  bytes: { bytes: Buffer.from(SECRET), view: new Uint8Array(Buffer.from(SECRET)) },
  "a Map": { byToken: new Map([[SECRET, SECRET]]) },
  "text that a credential stands in": { why: `Basic ${SECRET}`, again: [`rejected bearer ${SECRET}`] },
  "an API key": { why: `unknown ck_0abcdefg_${SECRET}${"0".repeat(30)}` },
};
for (const [what, fields] of Object.entries(hostile))
  test(`the printed line shows no secret of ${what}`, () => {
    const line = printed((log) => log.warn(fields, "no"));
    assert.match(line, /"msg":"no"/);
    assert.ok(!line.includes(SECRET) && !line.includes([...Buffer.from(SECRET)].join(",")), line);
  });

for (const text of [
  "hana%40example.com",
  "HANA%40EXAMPLE.com",
  "k%C3%B6ln@example.com",
  "+49 (151) 1234-5678",
  "%2B4915112345678",
  "+1.555.010.0117",
])
  test(`the printed line shows nothing of ${text}`, () => {
    const line = printed((log) => log.warn({ why: `550 <${text}> unknown` }, `to ${text}?`));
    assert.ok(!line.includes(text), line);
    assert.equal(line.match(/\[(address|number)\]/g)?.length, 2, line);
  });

test("phone numbers, addresses and tokens are cut out of a message and of text in fields", () => {
  const [phone, address, token] = ["+4915112345678", "ada@example.com", "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"];
  const line = printed((log) => log.warn({ why: `to ${phone}`, parts: [address, `Bearer ${token}`] }, `${token} for ${address}`));
  for (const text of [phone, address, token]) assert.ok(!line.includes(text), line);
});

test("an error without a message of ours is printed with its own, without secrets", () => {
  const line = printed((log) => log.error(new Error("cannot reach amqp://u:hunter2@host")));
  assert.doesNotMatch(line, /hunter2/);
  assert.match(line, /"msg":"cannot reach/);
});

test("an error that was reduced to a line before is printed as it is", () => {
  assert.match(
    printed((log) => log.error({ err: errorLine(new RangeError("too far")) }, "no")),
    /"err":\{"name":"RangeError","message":"too far","stack":/,
  );
});

test("harmless fields are printed as they are", () => {
  const fields = {
    n: 1,
    yes: true,
    nothing: null,
    list: ["a", 2],
    nested: { deliveryId: "d-0", at: new Date(0) },
    hostPort: "127.0.0.1:80",
  };
  const { level, service, time, msg, ...rest } = JSON.parse(printed((log) => log.info({ ...fields, absent: undefined }, "yes")));
  assert.deepEqual(rest, { ...fields, nested: { ...fields.nested, at: "1970-01-01T00:00:00.000Z" } });
  assert.deepEqual([level, service, msg, typeof time], ["info", "test", "yes", "string"]);
});

test("what cannot be printed whole does not throw, and its line stays short", () => {
  const ring: Record<string, unknown> = { list: Array.from({ length: 10_000 }, (_, i) => ({ i })) };
  for (let i = 0; i < 50; i++) ring[`self${i}`] = ring;
  const broken = {
    get field() {
      throw new Error("no");
    },
  };
  for (const fields of [ring, { ring }, broken, { broken }]) {
    const line = printed((log) => log.warn(fields, "still here"));
    assert.match(line, /still here/);
    assert.ok(line.length < 10_000, `${line.length}`);
  }
});

for (const url of ["mongodb://u:hunter2@host/db", "redis://:hunter2@host", "amqp://u:a:hunter2@host"])
  test(`the password of ${url} is cut out of a message`, () => {
    assert.doesNotMatch(
      printed((log) => log.error({ err: new Error(`cannot reach ${url}`) }, "no")),
      /hunter2/,
    );
  });

test("a long text that begins many secrets and holds none is printed, whose search once took minutes", () => {
  for (const part of ["//a:", "a:", "eyJ-", "bearer ", "a@", "+1 "])
    assert.match(
      printed((log) => log.warn({ why: `@//${part.repeat(1_000_000 / part.length)}` }, "long")),
      /"msg":"long"/,
    );
});

/** What a process prints to standard error that runs this after it has made `log`. */
function printedBy(script: string, env: Record<string, string> = {}): string[] {
  const imports = `import { closeLogger, createLogger } from "${import.meta.resolve("./logger.ts")}"; const log = createLogger("test");`;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", `${imports}\n${script}`], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
}

test("the last lines of a process are written, in their order, before it ends", () => {
  // The first line's write waits for the only thread there is, and the others wait for it.
  const lines = printedBy(
    `import { pbkdf2 } from "node:crypto";
    await new Promise((resolve) => setTimeout(resolve, 20));
    pbkdf2("", "", 300_000, 32, "sha256", () => {});
    for (let i = 0; i < 60; i++) log.info("line " + i);
    await closeLogger(log);
    process.exit(0);`,
    { UV_THREADPOOL_SIZE: "1" },
  );
  assert.deepEqual(
    lines,
    Array.from({ length: 60 }, (_, i) => `line ${i}`),
  );
});

for (const [how, end] of [
  ["exits", "process.exit(3);"],
  ["ends by an error that nobody caught", 'throw new Error("uncaught");'],
  ["ends by a rejection that nobody caught", 'await Promise.reject(new Error("uncaught"));'],
  ["has nothing left to do", ""],
])
  test(`the lines of a process that ${how} without closing its log are written`, () => {
    assert.deepEqual(printedBy(`log.info("first"); log.info("last"); ${end}`), ["first", "last"]);
  });

test("a line is written although no other follows it", async () => {
  const script = `import { createLogger } from "${import.meta.resolve("./logger.ts")}"; createLogger("test").info("alone"); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "ignore", "pipe"] });
  const [chunk] = (await once(child.stderr, "data")) as [Buffer];
  assert.match(chunk.toString(), /"msg":"alone"/);
  child.kill();
  await once(child, "close");
});
