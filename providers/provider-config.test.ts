import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readConfig } from "../runtime/config.ts";
import { createAuthority } from "../test/support/certificates.ts";
import { configFaultsOf } from "../test/support/config-faults.ts";
import { providerVariables } from "./provider-config.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-provider-config-"));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, "ca.crt");
const read = () => readConfig(providerVariables, { PROVIDER_CA_FILE: path });

test("a file without authorities is an error, although OpenSSL would ignore it", async () => {
  const { cert } = await createAuthority("proxy");
  writeFileSync(path, cert);
  assert.equal(read().PROVIDER_CA_FILE, cert.trim());
  writeFileSync(path, "hunter2");
  const faults = configFaultsOf(read);
  assert.match(faults.join(), /^PROVIDER_CA_FILE: the file holds no PEM certificate/);
  assert.doesNotMatch(faults.join(), /hunter2/);
});
