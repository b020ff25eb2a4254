import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createAuthority } from "../../test/support/certificates.ts";
import { UsageError } from "../command.ts";
import { gatewayTls } from "./tls.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-caller-tls-"));
after(() => rmSync(directory, { recursive: true }));
const authority = await createAuthority("ours");
const [pair, other] = [await authority.issue(), await authority.issue()];
const file = (name: string, text: string) => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const [ca, cert, key] = [file("ca", authority.cert), file("cert", pair.cert), file("key", pair.key)];

test("plain text unless TLS is asked for, by an option, a file or the environment", () => {
  assert.equal(gatewayTls({}, {}), undefined);
  assert.equal(gatewayTls({}, { CARILLON_TLS: "false", CARILLON_TLS_CA_FILE: "" }), undefined);
  for (const [values, env] of [
    [{ tls: true }, {}],
    [{}, { CARILLON_TLS: "true" }],
    [{ "tls-ca-file": ca }, {}],
    [{}, { CARILLON_TLS_CERT_FILE: cert, CARILLON_TLS_KEY_FILE: key }],
  ] as const)
    assert.ok(gatewayTls(values, env)?.forClient()._isSecure());
});

const WRONG: readonly [values: Record<string, string>, env: Record<string, string>, expected: RegExp][] = [
  [{ "tls-ca-file": join(directory, "none") }, {}, /^--tls-ca-file: the file cannot be read \(ENOENT\)$/],
  [{}, { CARILLON_TLS_CA_FILE: key }, /^CARILLON_TLS_CA_FILE: the file holds no PEM certificate$/],
  [{ "tls-cert-file": cert }, {}, /must be given together/],
  [{ "tls-key-file": key }, { CARILLON_TLS_CA_FILE: ca }, /must be given together/],
  [{ "tls-cert-file": cert, "tls-key-file": file("other", other.key) }, {}, /^--tls-key-file: the key does not belong to the certificate/],
];
for (const [values, env, expected] of WRONG)
  test(`rejects with ${expected.source}`, () => {
    assert.throws(
      () => gatewayTls(values, env),
      (error) => error instanceof UsageError && expected.test(error.message) && !error.message.includes("PRIVATE KEY"),
    );
  });
