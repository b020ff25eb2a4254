import assert from "node:assert/strict";
import { test } from "node:test";
import { foreignMistake } from "./same-site.ts";

const NAMES = ["sandbox", "sandbox.default.svc"];

for (const host of ["127.0.0.1:7750", "127.0.0.1", "localhost:1", "[::1]:7750", "10.0.0.7:7750", "sandbox:7750", "sandbox.default.svc"])
  test(`takes a request for ${host}, from a program and from its own page`, () => {
    assert.equal(foreignMistake({ host }, NAMES), undefined);
    assert.equal(foreignMistake({ host, origin: `http://${host}` }, NAMES), undefined);
  });

for (const host of [
  "evil.example",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "sandbox.evil.example:7750",
  "",
  "a b",
  "@evil.example:80",
])
  test(`refuses a request for “${host}”: a name that somebody has resolve to this machine`, () => {
    assert.match(foreignMistake({ host }, NAMES) ?? "", /Host/);
  });

for (const origin of ["https://evil.example", "null", "http://127.0.0.1:7751", "http://localhost:7750", ""])
  test(`refuses what a page of “${origin}” sends here`, () => {
    assert.match(foreignMistake({ host: "127.0.0.1:7750", origin }, NAMES) ?? "", /Origin/);
  });
