import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Provider } from "../../core/ports/provider.ts";
import { readConfig } from "../../runtime/config.ts";
import { openCertificate } from "../../sandbox/kit/certificate.ts";
import { SAMPLE_NOW, sampleEmail, sampleSms } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { mandrillVariables } from "../mandrill/config.ts";
import { createMandrillProvider } from "../mandrill/provider.ts";
import { sendgridVariables } from "../sendgrid/config.ts";
import { createSendgridProvider } from "../sendgrid/provider.ts";
import { twilioVariables } from "../twilio/config.ts";
import { createTwilioProvider } from "../twilio/provider.ts";
import { vonageVariables } from "../vonage/config.ts";
import { createVonageProvider } from "../vonage/provider.ts";

const clock = createFakeClock(SAMPLE_NOW);
const sms = (origin: string, ca: string) => ({
  ...readConfig(
    { ...twilioVariables, ...vonageVariables },
    { TWILIO_ACCOUNT_SID: "AC0", TWILIO_FROM: "+15005550006", VONAGE_API_KEY: "k", VONAGE_FROM: "Carillon" },
  ),
  TWILIO_ORIGIN: origin,
  TWILIO_AUTH_TOKEN_FILE: "token",
  VONAGE_ORIGIN: origin,
  VONAGE_API_SECRET_FILE: "secret",
  PROVIDER_CA_FILE: ca,
});
const email = (origin: string, ca: string) => ({
  ...readConfig({ ...sendgridVariables, ...mandrillVariables }, { EMAIL_FROM: "bells@carillon.dev" }),
  SENDGRID_ORIGIN: origin,
  SENDGRID_API_KEY_FILE: "SG.key",
  MANDRILL_ORIGIN: origin,
  MANDRILL_API_KEY_FILE: "key",
  PROVIDER_CA_FILE: ca,
});

const providers: [name: string, create: (origin: string, ca: string) => Provider, sample: typeof sampleSms | typeof sampleEmail][] = [
  ["twilio", (origin, ca) => createTwilioProvider(sms(origin, ca), { clock, attribute: async () => false }), sampleSms],
  ["vonage", (origin, ca) => createVonageProvider(sms(origin, ca), { clock }), sampleSms],
  ["sendgrid", (origin, ca) => createSendgridProvider(email(origin, ca), { clock }), sampleEmail],
  ["mandrill", (origin, ca) => createMandrillProvider(email(origin, ca), { clock }), sampleEmail],
];

describe("authorities", () => {
  let directory: string;
  let server: Server;
  let origin: string;
  let ca: string;
  let requests = 0;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "carillon-authorities-"));
    const certificate = await openCertificate(directory, Date.now());
    ca = readFileSync(certificate.caFile, "utf8");
    server = createServer(certificate.server, (request, response) => {
      requests += 1;
      request.resume();
      response.writeHead(429, { "retry-after": "5" }).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [name, create, sample] of providers) {
    test(`${name} sends nothing to a server of an unknown authority`, async () => {
      const before = requests;
      await using provider = create(origin, "");
      const outcome = await provider.send(sample(), AbortSignal.timeout(10_000));
      assert.deepEqual(outcome, { kind: "misconfigured", reason: "tls-untrusted" });
      assert.equal(requests, before);
    });

    test(`${name} trusts the authority it is given`, async () => {
      await using provider = create(origin, ca);
      const outcome = await provider.send(sample(), AbortSignal.timeout(10_000));
      assert.deepEqual(outcome, { kind: "throttled", reason: "too-many-requests", retryAfterMs: 5_000 });
    });
  }
});
