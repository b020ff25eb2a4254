import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createAuthority } from "../../test/support/certificates.ts";
import { readTlsFiles, type TlsTexts, tlsFaults } from "./tls-files.ts";

const HOUR_MS = 3_600_000;
const now = Date.now();
const [ours, expired] = await Promise.all([createAuthority("ours"), createAuthority("expired", { validTo: now - HOUR_MS })]);
const [pair, other, old, early] = await Promise.all([
  ours.issue(),
  ours.issue(),
  ours.issue({ validTo: now - HOUR_MS }),
  ours.issue({ validFrom: now + HOUR_MS }),
]);
const encrypted = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "hunter2" },
}).privateKey;

const named = { cert: { name: "CERT", path: "" }, key: { name: "KEY", path: "" }, ca: { name: "CA", path: "" } };
const faults = ({ cert = pair.cert, key = pair.key, ca = ours.cert }: { cert?: string; key?: string; ca?: string }) => {
  const texts: TlsTexts = { cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(ca) };
  return tlsFaults(named, texts, now);
};

test("a pair, its chain and one or more authorities are fine, also one that has ended beside one that has not", () => {
  assert.deepEqual(faults({}), []);
  assert.deepEqual(faults({ cert: `${pair.cert}\n${ours.cert}` }), []);
  assert.deepEqual(faults({ ca: `${expired.cert}\n${ours.cert}` }), []);
});

const WRONG: readonly [what: string, texts: Parameters<typeof faults>[0], fault: RegExp][] = [
  ["a key of another certificate", { key: other.key }, /^KEY: the key does not belong to the certificate of CERT$/],
  ["a certificate that expired", old, /^CERT: the certificate expired at \d{4}-.*Z; issue a new one$/],
  ["a certificate of tomorrow", early, /^CERT: the certificate is not valid before \d{4}-.*clock right\?$/],
  ["a key where the certificate should be", { cert: pair.key }, /^CERT: the file holds no PEM certificate$/],
  ["a certificate cut short", { cert: `${pair.cert.slice(0, 200)}\n-----END CERTIFICATE-----` }, /^CERT: a certificate in the file cannot/],
  [
    "authorities put together without a line break",
    { ca: `${ours.cert.trim()}${ours.cert}` },
    /^CA: a certificate in the file does not begin on a line of its own$/,
  ],
  ["no key", { key: "" }, /^KEY: the file holds no PEM private key$/],
  ["an encrypted key", { key: encrypted }, /^KEY: the key is encrypted/],
  ["no authority", { ca: "" }, /^CA: the file holds no PEM certificate$/],
  ["an authority that expired", { ca: expired.cert }, /^CA: the certificate expired at/],
];
for (const [what, texts, fault] of WRONG)
  test(`reports: ${what}`, () => {
    const found = faults(texts);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0]!, fault);
  });

test("several faults are reported together", () => {
  assert.deepEqual(
    faults({ cert: "", key: "", ca: "" }).map((fault) => fault.split(":")[0]),
    ["CERT", "KEY", "CA"],
  );
});

const directory = mkdtempSync(join(tmpdir(), "carillon-tls-files-"));
after(() => rmSync(directory, { recursive: true }));

test("files are read as they are, and one that is missing is named by its variable", () => {
  const paths = { cert: join(directory, "tls.crt"), key: join(directory, "tls.key") };
  const files = { cert: { name: "CERT", path: paths.cert }, key: { name: "KEY", path: paths.key } };
  writeFileSync(paths.cert, pair.cert);
  assert.equal(readTlsFiles(files), "KEY: the file cannot be read (ENOENT)");
  writeFileSync(paths.key, pair.key);
  assert.deepEqual(readTlsFiles(files), { cert: Buffer.from(pair.cert), key: Buffer.from(pair.key), ca: undefined });
});
