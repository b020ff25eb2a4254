import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Environment, readConfig } from "../runtime/config.ts";
import { feedbackVariables, requireUrl } from "./config.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-feedback-config-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const secret = join(directory, "secret");
writeFileSync(secret, "s3cret-word\n");

const read = (env: Environment) => readConfig(feedbackVariables, { STORE_URL: "sqlite:x", ...env });

test("an address to listen on is a host and a port", () => {
  const listen = (given?: string) => read(given === undefined ? {} : { FEEDBACK_LISTEN: given }).FEEDBACK_LISTEN;
  assert.deepEqual(listen(), { host: "0.0.0.0", port: 7720 });
  assert.deepEqual(listen("127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
  assert.deepEqual(listen("feedback.internal:80"), { host: "feedback.internal", port: 80 });
  assert.deepEqual(listen("[::1]:443"), { host: "::1", port: 443 });
  for (const wrong of ["", "7710", ":7710", "host", "host:", "host:x", "host:65536", "::1:80", "http://host:80"])
    assert.throws(() => listen(wrong), /FEEDBACK_LISTEN: must be host:port/, wrong);
});

test("the public URL is needed where a signature covers it, and stands without a slash at its end", () => {
  requireUrl(read({}));
  requireUrl(read({ VONAGE_SIGNATURE_SECRET_FILE: secret }));
  for (const name of ["TWILIO_AUTH_TOKEN_FILE", "MANDRILL_WEBHOOK_KEY_FILE"])
    assert.throws(() => requireUrl(read({ [name]: secret })), new RegExp(`FEEDBACK_URL: must be set, because ${name} is`));
  const config = read({ TWILIO_AUTH_TOKEN_FILE: secret, FEEDBACK_URL: "https://hooks.example.com/in//" });
  requireUrl(config);
  assert.equal(config.FEEDBACK_URL, "https://hooks.example.com/in");
  assert.throws(() => read({ FEEDBACK_URL: "hooks.example.com" }), /FEEDBACK_URL/);
  for (const url of ["https://user:pw@hooks.example.com", "https://hooks.example.com/in?a=1", "https://hooks.example.com/#in"])
    assert.throws(() => read({ FEEDBACK_URL: url }), /FEEDBACK_URL: must have no credentials, query or fragment/, url);
});

test("a verification key that is none is a mistake at start, and is not repeated", () => {
  assert.throws(
    () => read({ SENDGRID_WEBHOOK_PUBLIC_KEY_FILE: secret }),
    (error: Error) => /SENDGRID_WEBHOOK_PUBLIC_KEY_FILE: must hold a key/.test(error.message) && !error.message.includes("s3cret-word"),
  );
});
