import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { UnsubscribeClaim } from "../core/preferences/unsubscribe-token.ts";
import { readConfig } from "../runtime/config.ts";
import { createLogger } from "../runtime/logger.ts";
import { eventually } from "../test/support/eventually.ts";
import { requireLinks, unsubscribeKeyVariables, unsubscribeVariables, watchUnsubscribeLinks } from "./unsubscribe-links.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-links-"));
after(() => rmSync(directory, { recursive: true }));
const UNSUBSCRIBE_KEYS_FILE = join(directory, "keys");
const [OLD, NEW] = ["an old key of 32 characters, abc", "a new key of 32 characters, abcd"];
const write = (...keys: string[]) => writeFileSync(UNSUBSCRIBE_KEYS_FILE, keys.join("\n"));

const BASE = "https://hooks.example.com/in";
const claim: UnsubscribeClaim = {
  ...{ app: "shop", subject: "user:ann", channel: "email", category: "news" },
  ...{ notificationId: "0a".repeat(16), issuedAt: 1_790_000_000_000 },
};
const tokenIn = (url: string) => url.slice(`${BASE}/u/`.length);

test("keys are read again, and links of the old one go on working while it is kept", async () => {
  write(OLD);
  const env = { UNSUBSCRIBE_KEYS_FILE };
  const log = createLogger("test", "info", { write: () => undefined });
  using links = watchUnsubscribeLinks({ config: readConfig(unsubscribeKeyVariables, env), env, log, pollMs: 5 });
  const keyIdOf = (url: string) => tokenIn(url).split(".")[1];
  const old = links.urlOf(claim, BASE);
  assert.ok(old.startsWith(`${BASE}/u/v1.`));
  assert.deepEqual(links.claimIn(tokenIn(old)), claim);

  write(NEW, OLD);
  await eventually("the new key seals", () => keyIdOf(links.urlOf(claim, BASE)) !== keyIdOf(old));
  assert.deepEqual(links.claimIn(tokenIn(old)), claim);

  write(NEW);
  await eventually("the old key is gone", () => links.claimIn(tokenIn(old)) === undefined);
  assert.ok(links.isOn());
});

const CONFIGURED: readonly (readonly [what: string, keys: boolean, url: string, fault: RegExp | undefined])[] = [
  ["neither", false, "", undefined],
  ["a URL without keys", false, "http://feedback:7720", undefined],
  ["both", true, "https://hooks.example.com", undefined],
  ["plain HTTP on this machine", true, "http://127.0.0.1:7720", undefined],
  ["keys without a URL", true, "", /FEEDBACK_URL: must be set, because UNSUBSCRIBE_KEYS_FILE is/],
  ["plain HTTP elsewhere", true, "http://feedback:7720", /FEEDBACK_URL: must begin with https:/],
];
for (const [what, hasKeys, url, fault] of CONFIGURED)
  test(`${what}: ${fault === undefined ? "starts" : "is a mistake"}`, () => {
    write(OLD);
    const config = readConfig(unsubscribeVariables, { FEEDBACK_URL: url, UNSUBSCRIBE_KEYS_FILE: hasKeys ? UNSUBSCRIBE_KEYS_FILE : "" });
    if (fault === undefined) requireLinks(config);
    else assert.throws(() => requireLinks(config), fault);
  });

test("a file holds up to 20 keys", () => {
  const keys = Array.from({ length: 21 }, (_, i) => `a key of many characters, number ${i}`);
  write(...keys.slice(1));
  assert.equal(readConfig(unsubscribeKeyVariables, { UNSUBSCRIBE_KEYS_FILE }).UNSUBSCRIBE_KEYS_FILE.length, 20);
  write(...keys);
  assert.throws(() => readConfig(unsubscribeKeyVariables, { UNSUBSCRIBE_KEYS_FILE }), /up to 20/);
});
