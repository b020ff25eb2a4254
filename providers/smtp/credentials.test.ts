import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { SMTPServer } from "smtp-server";
import { ConfigError, readConfig } from "../../runtime/config.ts";
import { withAccessToken } from "../../sandbox/smtp/index.ts";
import { SAMPLE_NOW, sampleEmail } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { withSandbox, withSecret } from "../../test/support/with-sandbox.ts";
import { smtpVariables } from "./config.ts";
import { createSmtpProvider } from "./provider.ts";

type Env = Record<string, string>;

async function send(env: Env, count = 1) {
  await using provider = createSmtpProvider(readConfig(smtpVariables, env), { clock: createFakeClock(SAMPLE_NOW) });
  const outcomes = [];
  for (let n = 0; n < count; n++) outcomes.push(await provider.send(sampleEmail(), AbortSignal.timeout(10_000)));
  return outcomes;
}

/** An authorization server that answers each exchange with `answer`; keeps what it was asked. */
async function startTokenServer(answer: (response: ServerResponse) => void) {
  const asked: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    asked.push(new URLSearchParams(await text(request)));
    answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const withRefreshToken = (env: Env, tokenUrl: string) => ({
  ...withSecret({ ...env, SMTP_OAUTH2_REFRESH_TOKEN_FILE: env.SMTP_PASSWORD_FILE ?? "" }, "SMTP_OAUTH2_REFRESH_TOKEN_FILE", "refresh"),
  SMTP_PASSWORD_FILE: "",
  SMTP_OAUTH2_CLIENT_ID: "client",
  SMTP_OAUTH2_TOKEN_URL: tokenUrl,
});

test("credentials that cannot be used are a mistake in the configuration", () => {
  const config = readConfig(smtpVariables, { SMTP_HOST: "relay.example.org", SMTP_USER: "bells" });
  assert.throws(() => createSmtpProvider(config, { clock: createFakeClock(SAMPLE_NOW) }), ConfigError);
});

withSandbox("smtp's access tokens", (test) => {
  test("are fetched once with the refresh token, and used until they expire", async (sandbox) => {
    const token = readFileSync(withAccessToken(sandbox.env).SMTP_OAUTH2_ACCESS_TOKEN_FILE ?? "", "utf8").trim();
    await using tokens = await startTokenServer((response) => response.end(JSON.stringify({ access_token: token, expires_in: 3_600 })));
    const outcomes = await send(withRefreshToken(sandbox.env, tokens.url), 2);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ["accepted", "accepted"],
    );
    assert.deepEqual(
      tokens.asked.map((form) => [form.get("grant_type"), form.get("client_id"), form.get("refresh_token")]),
      [["refresh_token", "client", "refresh"]],
    );
  });

  test("are misconfigured where the refresh token is not known", async (sandbox) => {
    await using tokens = await startTokenServer((response) => response.writeHead(400).end(JSON.stringify({ error: "invalid_grant" })));
    assert.deepEqual(await send(withRefreshToken(sandbox.env, tokens.url)), [{ kind: "misconfigured", reason: "oauth2-token" }]);
  });

  test("that cannot be fetched for now leave the message unsent", async (sandbox) => {
    const outcomes = await send(withRefreshToken(sandbox.env, "http://127.0.0.1:1/token"));
    assert.deepEqual(outcomes, [{ kind: "unavailable", fault: { code: "oauth2-unreachable" } }]);
  });
});

withSandbox("smtp over TLS from the first byte", (test) => {
  test("logs in and sends", async (sandbox) => {
    const directory = dirname(sandbox.env.PROVIDER_CA_FILE ?? "");
    const received: { isSecure: boolean; user: unknown; raw: string }[] = [];
    const server = new SMTPServer({
      secure: true,
      key: readFileSync(join(directory, "server-key.pem")),
      cert: readFileSync(join(directory, "server.pem")),
      disableReverseLookup: true,
      onAuth: ({ username }, _session, done) => done(null, { user: username }),
      onData(stream, { secure, user }, done) {
        void text(stream).then((raw) => {
          received.push({ isSecure: secure, user, raw });
          done(null);
        });
      },
    });
    server.listen(0, "127.0.0.1");
    await once(server.server, "listening");
    const { port } = server.server.address() as AddressInfo;
    try {
      const [outcome] = await send({ ...sandbox.env, SMTP_SECURITY: "tls", SMTP_PORT: String(port) });
      // Its reply names no queue: our Message-ID stands in.
      assert.match(outcome?.kind === "accepted" ? outcome.providerRef : "", /^<[0-9a-f]{32}@carillon\.dev>$/);
      assert.deepEqual(
        received.map(({ isSecure, user }) => ({ isSecure, user })),
        [{ isSecure: true, user: "carillon" }],
      );
    } finally {
      await new Promise<void>((resolve) => server.close(resolve));
    }
  });
});
