import assert from "node:assert/strict";
import { test } from "node:test";
import { isCallError } from "../runtime/call-error.ts";
import type { AppCaller, KeyVerdict } from "./api-keys.ts";
import { createAuthenticate } from "./auth.ts";

const KEY = "ck_1_secret";
const caller = { id: "shop" } as AppCaller;
const find = async (key: string): Promise<KeyVerdict> => (key === KEY ? { kind: "valid", caller } : { kind: "rejected", why: "unknown" });
const authenticate = (authorization: string | undefined) =>
  createAuthenticate({ find })((name) => (name === "authorization" ? authorization : undefined));

test("the scheme's name is read in any case", async () => {
  for (const scheme of ["Bearer", "bearer", "BEARER", "bEaReR", "bearer "])
    assert.equal(await authenticate(`${scheme} ${KEY}`), caller, scheme);
});

test("what is no bearer token is rejected, with the form that is wanted", async () => {
  for (const header of [
    undefined,
    "",
    KEY,
    `Basic ${KEY}`,
    "bearer",
    "bearer ",
    `bearer${KEY}`,
    `bearer ${KEY} ${KEY}`,
    `bearer\t${KEY}`,
  ]) {
    const answer = await authenticate(header);
    assert.ok(isCallError(answer), header);
    assert.deepEqual([answer.code, answer.message], ["UNAUTHENTICATED", 'authorization must hold "Bearer <API key>"']);
  }
});
