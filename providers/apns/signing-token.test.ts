import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { createSigningToken, TOKEN_OLDEST_MS, TOKEN_YOUNGEST_MS } from "./signing-token.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = privateKey.export({ format: "pem", type: "pkcs8" }).toString();

function fixture() {
  let elapsed = 0;
  const clock = { now: () => 1_700_000_000_000 + elapsed, monotonic: () => elapsed };
  const pass = (ms: number) => {
    elapsed += ms;
  };
  return { pass, token: createSigningToken({ key, keyId: "KEY1234567", teamId: "TEAM123456" }, clock) };
}

test("signs what Apple asks for", async () => {
  const { jwt } = fixture().token.current();
  const { payload } = await jwtVerify(await jwt, publicKey);
  assert.deepEqual(payload, { iss: "TEAM123456", iat: 1_700_000_000 });
  assert.deepEqual(decodeProtectedHeader(await jwt), { alg: "ES256", kid: "KEY1234567", typ: "JWT" });
});

test("keeps a token for most of its hour, and not longer", async () => {
  const { token, pass } = fixture();
  const first = token.current();
  pass(TOKEN_OLDEST_MS - 1);
  assert.equal(token.current(), first);
  pass(1);
  assert.notEqual(await token.current().jwt, await first.jwt);
});

test("replaces a rejected token, but not before Apple allows another", () => {
  const { token, pass } = fixture();
  const first = token.current();
  token.rejected(first);
  pass(TOKEN_YOUNGEST_MS - 1);
  assert.equal(token.isReplaceable(first), false);
  assert.equal(token.current(), first);
  pass(1);
  assert.equal(token.isReplaceable(first), true);
  const second = token.current();
  assert.notEqual(second, first);
  assert.equal(token.isReplaceable(second), false);
});

test("the rejection of a token that was replaced says nothing about the current one", () => {
  const { token, pass } = fixture();
  const first = token.current();
  pass(TOKEN_YOUNGEST_MS);
  token.rejected(first);
  const second = token.current();
  token.rejected(first);
  assert.equal(token.isReplaceable(first), true);
  pass(TOKEN_YOUNGEST_MS);
  assert.equal(token.current(), second);
});

test("rejects a key it cannot sign with, without quoting it", () => {
  const clock = { now: () => 0, monotonic: () => 0 };
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  for (const bad of ["not a key", rsa, p384])
    assert.throws(() => createSigningToken({ key: bad, keyId: "k", teamId: "t" }, clock), {
      message: "APNS_KEY_FILE holds no EC private key on the curve P-256 in PEM",
    });
});
