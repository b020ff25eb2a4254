import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readConfig } from "../../runtime/config.ts";
import { authVariables, requireAuth } from "./config.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-console-"));
after(() => rmSync(directory, { recursive: true }));
const CONSOLE_KEYS_FILE = join(directory, "keys");
writeFileSync(CONSOLE_KEYS_FILE, "a key of the console, of many characters");

const WHOLE = {
  ...{ CONSOLE_URL: "https://console.example.com", CONSOLE_OIDC_ISSUER: "https://id.example.com/app/", CONSOLE_OIDC_CLIENT_ID: "console" },
  ...{ CONSOLE_KEYS_FILE, CONSOLE_OPERATORS: "sre, oncall" },
};
const ROWS: readonly [what: string, host: string, env: Record<string, string>, fault: RegExp | undefined][] = [
  ["nothing, at a loopback address", "127.0.0.1", {}, undefined],
  ["nothing, where everybody can connect", "0.0.0.0", {}, /CONSOLE_OIDC_ISSUER: must be set/],
  ["an issuer", "0.0.0.0", WHOLE, undefined],
  ["an issuer without keys", "0.0.0.0", { ...WHOLE, CONSOLE_KEYS_FILE: "" }, /CONSOLE_KEYS_FILE: must be set/],
  ["an issuer without a client", "0.0.0.0", { ...WHOLE, CONSOLE_OIDC_CLIENT_ID: "" }, /CONSOLE_OIDC_CLIENT_ID: must be set/],
  ["an issuer without a URL", "0.0.0.0", { ...WHOLE, CONSOLE_URL: "" }, /CONSOLE_URL: must be set/],
  ["an issuer over plain HTTP", "0.0.0.0", { ...WHOLE, CONSOLE_OIDC_ISSUER: "http://id.example.com" }, /ISSUER: must begin with https/],
  ["a console over plain HTTP", "0.0.0.0", { ...WHOLE, CONSOLE_URL: "http://console.example.com" }, /CONSOLE_URL: must begin with https/],
  ["a path", "0.0.0.0", { ...WHOLE, CONSOLE_URL: "https://example.com/console" }, /CONSOLE_URL: must have no path/],
  ["no roles", "0.0.0.0", { ...WHOLE, CONSOLE_OPERATORS: "" }, /nobody may enter/],
  ["scopes without openid", "0.0.0.0", { ...WHOLE, CONSOLE_OIDC_SCOPES: "email" }, /must have openid/],
];
for (const [what, host, env, fault] of ROWS)
  test(`${what}: ${fault === undefined ? "starts" : "is a mistake"}`, () => {
    const config = readConfig(authVariables, env);
    if (fault === undefined) requireAuth(config, host);
    else assert.throws(() => requireAuth(config, host), fault);
  });
