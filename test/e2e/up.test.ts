// `carillon up` as a newcomer uses it: where it listens, what it prints, whom it knows, and what its data outlives.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isFreePort } from "../../cli/dev/local-servers.ts";
import type { LineResult } from "../../cli/gateway/send.ts";
import { startRedis } from "../support/servers.ts";
import { type DevProcess, runCli, startDevProcess } from "./cli-process.ts";

const root = join(import.meta.dirname, "../..");
const results = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LineResult);

describe("carillon up", () => {
  let home: string;
  let directory: string;
  let up: DevProcess;
  let env: Record<string, string>;
  before(async () => {
    home = mkdtempSync(join(tmpdir(), "carillon up-"));
    symlinkSync(join(root, "bin"), join(home, "bin"));
    directory = join(home, ".carillon");
    up = await startDevProcess(directory, {});
    env = exportsOf(directory);
  });
  after(async () => {
    await up?.[Symbol.asyncDispose]();
    rmSync(home, { recursive: true, force: true });
  });

  test("a second one on the same directory is told so, and starts nothing", async () => {
    const { code, stdout, stderr } = await runCli(["up", "--directory", directory], { GATEWAY_LISTEN: "127.0.0.1:0" });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.equal(stderr, `carillon: another carillon uses ${directory}; end it, or give this one a directory of its own by --directory\n`);
  });

  test("a first start has nothing to warn of, and says which servers it started", () => {
    assert.doesNotMatch(up.stdout() + up.stderr(), /"level":"(warn|error)"/);
    assert.match(up.stdout(), /^ {2}started NATS\n {2}started Redis\n {2}started sandbox\n/);
  });

  test("one of another directory has servers of its own, also in a terminal that has read these exports, unless a person names some", async () => {
    const other = mkdtempSync(join(tmpdir(), "carillon-up-"));
    try {
      await using redis = await startRedis();
      await using second = await startDevProcess(other, { ...env, REDIS_URL: redis.url });
      assert.match(second.stdout(), /^ {2}ignores STORE_URL, .* and \d+ more: this terminal has them from the system in .*\.carillon\n/);
      assert.match(second.stdout(), new RegExp(` started NATS\\n {2}uses Redis at ${redis.url} \\(REDIS_URL\\)\\n {2}started sandbox\\n`));
      assert.equal(second.storeUrl, `sqlite:${join(other, "carillon.sqlite")}`);
      assert.equal(exportsOf(other).REDIS_URL, redis.url);
      assert.notEqual(exportsOf(other).NATS_URL, env.NATS_URL);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });

  test("an address that was asked for and is taken is an error: it listens nowhere else instead", async () => {
    const other = mkdtempSync(join(tmpdir(), "carillon-up-"));
    try {
      const { code, stderr } = await runCli(["up", "--directory", other], { GATEWAY_LISTEN: up.gatewayAddress });
      assert.deepEqual(
        [code, stderr.trim().split("\n").at(-1)],
        [1, `carillon: cannot listen on ${up.gatewayAddress}: another process listens there; end it, or set another port`],
      );
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });

  test("the file of exports is for its owner alone, and leads other commands to the system", async () => {
    assert.equal(statSync(join(directory, "env")).mode & 0o077, 0);
    assert.equal(env.CARILLON_ADDRESS, up.gatewayAddress);
    const { code, stdout } = await runCli(["status", "--json"], env);
    const status = JSON.parse(stdout) as { roles: { isReady: boolean }[]; queues: unknown[]; waiting: object };
    assert.equal(code, 0, stdout);
    assert.deepEqual([status.roles.length, status.queues.length], [11, 5]);
    assert.ok(status.roles.every(({ isReady }) => isReady) && status.waiting);
  });

  test("an app's webhook is set without a word about keys", async () => {
    const { code, stdout, stderr } = await runCli(["app", "webhook", "set", "demo", "shop", "https://shop.example.com/carillon"], env);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^whsec_\S+\n$/);
  });

  test("what a provider's sandbox keeps of addresses is compared and imported, and then obeyed", async () => {
    const sandbox = /^ +sandbox +(\S+)/m.exec(up.stdout())![1]!;
    const kept = [
      ["sendgrid", "bounces", "gone@example.com", "550 5.1.1"],
      ["mandrill", "hard-bounce", "left@example.com", "smtp;550 5.1.1"],
    ] as const;
    for (const [provider, list, email, reason] of kept) {
      const body = JSON.stringify({ provider, list, emails: [email], reason });
      assert.equal((await fetch(`${sandbox}/suppressions`, { method: "POST", body })).status, 204, provider);
      const sync = ["suppressions", "sync", "--provider", provider];
      const compared = await runCli(sync, env);
      assert.equal(compared.code, 0, compared.stderr);
      assert.match(compared.stdout, /demo +bounce/);
      const imported = await runCli([...sync, "--apply", "--by", "ann", "--why", "moved here"], env);
      assert.equal(imported.code, 0, imported.stderr);
      const sent = await runCli(["send", "--to", `email:${email}`, "--subject", "Hello", "--text", "Gone?", "--key", provider], env);
      const [{ notificationId }] = results(sent.stdout) as [LineResult];
      assert.match((await runCli(["tail", notificationId!], env)).stdout, /suppressed +bounced/);
    }
  });

  test("a user is erased, and the list of contacts is written and read again, browsers of the sandbox included", async () => {
    const list = join(home, "contacts.jsonl");
    const exported = await runCli(["contacts", "export", "--app", "demo", "--out", list], env);
    assert.equal(exported.code, 0, exported.stderr);
    const erased = await runCli(["user", "erase", "kurt", "--by", "ann", "--why", "asked by letter"], env);
    assert.equal(erased.code, 0, erased.stderr);
    const { report } = JSON.parse(erased.stdout) as { report: string };
    assert.equal((JSON.parse(report) as { complete: boolean }).complete, true);
    const imported = await runCli(["contacts", "import", list, "--app", "demo"], env);
    assert.equal(imported.code, 0, imported.stderr);
  });

  test("one notification is sent by options, followed until it has ended, and explained", async () => {
    const sent = await runCli(
      ["send", "--to", "email:ada@example.com", "--subject", "Hello", "--text", "It works.", "--key", "by-hand"],
      env,
    );
    assert.equal(sent.code, 0, sent.stderr);
    const [{ notificationId, deliveries }] = results(sent.stdout) as [LineResult];
    assert.equal(deliveries?.length, 1);
    const followed = await runCli(["tail", notificationId!], env);
    assert.equal(followed.code, 0, followed.stderr);
    assert.match(followed.stdout.trim().split("\n").at(-1)!, /email +a…@example\.com +(sent|delivered)$/);
    const why = await runCli(["why", deliveries![0]!.id], env);
    assert.equal(why.code, 0, why.stderr);
    assert.match(
      why.stdout,
      /of app demo, key by-hand\n[\s\S]*accepted\n[\s\S]*attempt 1 by \w+\n[\s\S]*the provider accepted it, reference \S+\n[\s\S]*ended as /,
    );
    const byKey = await runCli(["why", "--app", "demo", "--key", "by-hand", "--json"], env);
    assert.equal((JSON.parse(byKey.stdout) as { id: string }).id, notificationId);
  });

  test("what the README says to run in another terminal runs as it is printed", () => {
    const commands = /in another terminal:\n\n```\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))![1]!;
    const { status, stdout, stderr } = spawnSync("sh", ["-e"], { cwd: home, input: commands, encoding: "utf8", timeout: 60_000 });
    assert.deepEqual([status, stderr], [0, ""], stdout);
    assert.match(stdout, /email +a…@example\.com +(sent|delivered)\n/);
    assert.match(stdout, /of app demo, key hello\n[\s\S]* ended as /);
    assert.match(stdout, /gateway +ready\n[\s\S]* holds +\d no second send/);
    assert.doesNotMatch(stdout, /BROKEN/);
  });

  test("its link signs in to the console once, as an operator, and nobody else gets in", async () => {
    const link = /^ +console +(http:\S+)/m.exec(up.stdout())?.[1] ?? "";
    const { origin } = new URL(link);
    assert.equal((await fetch(`${origin}/api/now`)).status, 401);
    assert.equal((await fetch(link)).status, 200, "opening it uses nothing up");
    const signIn = () => fetch(link, { method: "POST", headers: { origin }, redirect: "manual" });
    const answer = await signIn();
    assert.equal(answer.status, 303);
    const cookie = answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const get = async (path: string) =>
      (await fetch(`${origin}${path}`, { headers: { cookie } })).json() as Promise<Record<string, unknown>>;
    assert.deepEqual(await get("/api/session"), { name: "local", role: "operator", signInBy: "link" });
    assert.ok(Array.isArray((await get("/api/now")).channels));
    assert.equal((await signIn()).status, 400, "it is used up");
  });

  test("the examples' users are there, on every channel", async () => {
    const { code, stdout } = await runCli(["send", "--to", "user:ada", "--subject", "Hello", "--text", "It works."], env);
    assert.equal(code, 0, stdout);
    const channels = results(stdout).flatMap(({ deliveries = [] }) => deliveries.map(({ channel }) => channel));
    assert.deepEqual([...new Set(channels)].sort(), ["apns", "email", "fcm", "sms", "webpush"]);
  });

  test("keys are listed over all apps, created, and revoked", async () => {
    const made = await runCli(["keys", "create", "demo", "--expires-in", "5d"], env);
    assert.equal(made.code, 0, made.stderr);
    const id = /^key (\S+) of app demo/.exec(made.stderr)![1]!;
    const listed = JSON.parse((await runCli(["keys", "--expiring", "10d", "--json"], env)).stdout) as { app: string; id: string }[];
    assert.deepEqual(
      listed.map(({ app, id: key }) => [app, key]),
      [["demo", id]],
    );
    assert.equal((await runCli(["keys", "revoke", "demo", id], env)).code, 0);
    assert.match((await runCli(["keys"], env)).stdout, new RegExp(`demo +${id} +revoked`));
  });

  test("status says what is wrong: exit status 1 where a role does not answer", async () => {
    const { code, stdout } = await runCli(["status"], { CARILLON_HEALTH: `relay=127.0.0.1:1,${env.CARILLON_HEALTH}` });
    assert.equal(code, 1);
    assert.match(stdout, /relay +no answer from 127\.0\.0\.1:1 within 2 s/);
    assert.match(stdout, /gateway +ready/);
  });

  test("commands say in one sentence what they need, or what is not there", async () => {
    const nowhere: [string[], Record<string, string>, number, RegExp][] = [
      [["send", "--to", "email:a@example.com", "--text", "x"], env, 2, /--subject is missing/],
      [["send", "--to", "fax:1", "--text", "x"], env, 2, /--to must begin with one of email:, sms:, apns:, fcm:, user:/],
      [["send", "--file", "x", "--text", "x"], env, 2, /--text is for --to, not for --file/],
      [
        ["send", "--to", "sms:+4915112345000", "--text", "x"],
        { ...env, CARILLON_ADDRESS: "127.0.0.1:1" },
        1,
        /no gateway answers at 127\.0\.0\.1:1; /,
      ],
      [["why", "0".repeat(32)], env, 1, /there is no notification 0{32} in this store/],
      [["why", "abc"], env, 2, /ID must be 32 hex digits/],
      [["why", "--app", "nosuch", "--key", "by-hand"], env, 1, /^carillon: there is no app nosuch; /],
      [["why", "--app", "demo", "--key", "nosuch"], env, 1, /^carillon: app demo has no notification with the key nosuch in this store\n/],
      [["tail", "0".repeat(32)], env, 1, /^carillon tail: there is no notification 0{32} in this store\n/],
      [["tail", "0".repeat(32), "--for", "-5s"], env, 2, /^carillon tail: --for must be like 90s, /],
      [["send", "--file", join(home, "none")], env, 2, /^carillon send: .*\/none cannot be read \(ENOENT\)\n/],
      [["send", "--file", process.execPath], env, 1, /^carillon: .* is no text in UTF-8 at line 1\n/],
      [["send", "--file", "/dev/null"], env, 0, /^carillon send: there is no line in it, so nothing was sent\n/],
      [["demo", "--file", join(home, "none")], {}, 2, /^carillon demo: .*\/none cannot be read \(ENOENT\)\n/],
      [["audit", "--ledger", "here"], env, 2, /--ledger must be the sandbox's admin URL/],
      [["dead", "list", "--app", "nosuch"], env, 1, /^carillon: there is no app nosuch; /],
      [["status"], {}, 2, /name at least one of STORE_URL, NATS_URL, REDIS_URL and CARILLON_HEALTH/],
    ];
    for (const [args, given, status, says] of nowhere) {
      const { code, stderr } = await runCli(args, given);
      assert.equal(code, status, `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, says);
    }
  });

  test("the next start goes on with what is there, in a terminal that has read the exports too, and says which ports are taken", async () => {
    const before = up.gatewayAddress;
    up.child.kill("SIGTERM");
    assert.equal((await up.ended).code, 0);
    const inbox = Number(new URL(/inbox +(\S+)/.exec(up.stdout())![1]!).port);
    const holders: Server[] = [];
    for (const port of [7_700, 7_701, inbox]) if (await isFreePort(port)) holders.push(createServer().listen(port, "127.0.0.1"));
    try {
      up = await startDevProcess(directory, env, { anyPort: false });
    } finally {
      for (const holder of holders) holder.close();
    }
    assert.match(up.stdout(), /Port 7700 is taken by another process, so the gateway listens elsewhere\./);
    assert.match(up.stdout(), /Port 7701 is taken by another process, so its HTTP\/JSON listens elsewhere\./);
    assert.match(up.stdout(), new RegExp(`Port ${inbox} is taken by another process, so the sandbox's admin listens elsewhere\\.`));
    assert.notEqual(up.gatewayAddress, before);
    env = exportsOf(directory);
    assert.match((await runCli(["why", "--app", "demo", "--key", "by-hand"], env)).stdout, /ended as /);
    const again = await runCli(
      ["send", "--to", "email:ada@example.com", "--subject", "Hello", "--text", "It works.", "--key", "by-hand"],
      env,
    );
    assert.deepEqual([again.code, results(again.stdout)[0]?.repeated], [0, true]);
  });
});

/** As a shell reads them. */
function exportsOf(directory: string): Record<string, string> {
  const names = [...readFileSync(join(directory, "env"), "utf8").matchAll(/^export (\w+)=/gm)].map(([, name]) => name!);
  const script = `. "$0"; ${names.map((name) => `printf '%s\\n' "$${name}"`).join("; ")}`;
  const values = spawnSync("sh", ["-c", script, join(directory, "env")], { encoding: "utf8" }).stdout.split("\n");
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}
