import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findServer } from "../../cli/dev/find-server.ts";
import { taskSubject } from "../../core/delivery/subjects.ts";
import { toTask } from "../../core/delivery/task.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { eventually } from "../../test/support/eventually.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { freePort } from "../../test/support/store-server.ts";
import { UnsafeSettingError } from "../unsafe-setting.ts";
import { connectNats, natsVariables } from "./connect.ts";
import { checkMayPublish, isAllowed } from "./permissions.ts";
import { createTaskPublisher } from "./publish.ts";
import { ensureStreams, streamVariables } from "./streams.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-nats-users-"));
const port = await freePort();
const users = `
  {user: all, password: p}
  {user: reader, password: p, permissions: {publish: {allow: ["$JS.API.>", "$SYS.REQ.USER.INFO"]}}}
  {user: deaf, password: p, permissions: {subscribe: {deny: ["_INBOX.>"]}}}
  {user: nobody, password: p, permissions: {publish: {allow: ["$SYS.REQ.USER.INFO"]}}}
`;
writeFileSync(join(directory, "nats.conf"), `jetstream {store_dir: "${directory}"}\nauthorization {users: [${users}]}\n`);
const server = spawn(findServer("nats").path, ["-c", join(directory, "nats.conf"), "-a", "127.0.0.1", "-p", String(port)], {
  stdio: "ignore",
});
writeFileSync(join(directory, "password"), "p");

const lines: string[] = [];
const log = createLogger("test", "warn", { write: (line) => void lines.push(line) });
const as = (user: string) => {
  const env = { NATS_URL: `nats://127.0.0.1:${port}`, NATS_USER: user, NATS_PASSWORD_FILE: join(directory, "password") };
  return connectNats(readConfig(natsVariables, env), log);
};
const config = readConfig(streamVariables, {});

before(async () => {
  await eventually("nats is up", async () => {
    const nats = await as("all").catch(() => undefined);
    if (!nats) return false;
    await ensureStreams(nats, config, ["sms"]);
    await nats[Symbol.asyncDispose]();
    return true;
  });
});
after(async () => {
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  await ended;
  rmSync(directory, { recursive: true });
});

test("a user that may not use JetStream's API is rejected at the start, with the permission that is missing", async () => {
  await using nats = await as("nobody");
  await assert.rejects(ensureStreams(nats, config, ["sms"]), (error) => {
    assert.ok(error instanceof UnsafeSettingError, String(error));
    assert.match(error.message, /the user's permission to publish to \$JS\.API\.\S+ is missing.*NATS_USER/);
    return true;
  });
});

test("a user that may not publish tasks is rejected at the start, and one that may is not", async () => {
  const subjects = [taskSubject("sms", "critical", "shop")];
  await using reader = await as("reader");
  await assert.rejects(checkMayPublish(reader, subjects), /permission to publish to carillon\.sms\.critical\.shop is missing/);
  await using all = await as("all");
  await checkMayPublish(all, subjects);
});

test("a permission that is taken away later is logged once, however often it is missing", async () => {
  await using reader = await as("reader");
  const publisher = createTaskPublisher(reader, log);
  const n = sampleNotification("one", Date.now());
  lines.length = 0;
  for (let i = 0; i < 5; i++) assert.equal(await publisher.publish(toTask(n, n.deliveries[0]!)), false);
  await eventually("it is logged", () => lines.some((line) => /no permission for this subject/.test(line)));
  assert.equal(lines.filter((line) => /no permission/.test(line)).length, 1);
  assert.equal(lines.filter((line) => /tasks cannot be published/.test(line)).length, 1);
});

test("a user that may not receive the answers of the stream is told so, and its publishes fail", async () => {
  await using deaf = await as("deaf");
  const publisher = createTaskPublisher(deaf, log);
  const n = sampleNotification("unanswered", Date.now());
  lines.length = 0;
  assert.equal(await publisher.publish(toTask(n, n.deliveries[0]!)), false);
  await eventually("it is logged", () =>
    lines.some((line) => /"denied":"subscription _INBOX\./.test(line) && /no permission for this subject/.test(line)),
  );
});

test("deny wins over allow, and no list allows everything", () => {
  assert.ok(isAllowed("a.b", {}));
  assert.ok(isAllowed("a.b", { allow: [] }));
  assert.ok(isAllowed("a.b", { allow: ["x", "a.*"] }));
  assert.ok(!isAllowed("a.b", { allow: ["x"] }));
  assert.ok(!isAllowed("a.b", { allow: [">"], deny: ["a.>"] }));
});
