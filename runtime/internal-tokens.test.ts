import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { PreferenceServiceClient, PreferenceServiceService } from "../gen/carillon/v1/preference_service.ts";
import { mountSecret } from "../test/support/certificates.ts";
import { eventually } from "../test/support/eventually.ts";
import { ConfigError, readConfig } from "./config.ts";
import { callUnary, createClient } from "./grpc/client.ts";
import { authenticateInternal, internalMetadata } from "./grpc/internal-call.ts";
import { serveHandlers } from "./grpc/serve-handlers.ts";
import { startGrpcServer } from "./grpc/server.ts";
import { readDetails } from "./grpc/status.ts";
import { internalTokenVariables, watchInternalTokens } from "./internal-tokens.ts";
import { createLogger } from "./logger.ts";

const POLL_MS = 5;
const [FIRST, SECOND, THIRD] = ["the first of the tokens", "the second of the tokens", "the third of the tokens"];
const directory = mkdtempSync(join(tmpdir(), "carillon-tokens-"));
after(() => rmSync(directory, { recursive: true }));

/** A role that reads its tokens from a mounted Secret. */
function startRole(name: string, held: string) {
  const lines: string[] = [];
  const log = createLogger(name, "debug", { write: (line) => void lines.push(line) });
  const secret = mountSecret(join(directory, name), { token: held });
  const env = { INTERNAL_TOKEN_FILE: secret.path("token") };
  const tokens = watchInternalTokens({ config: readConfig(internalTokenVariables, env), env, log, pollMs: POLL_MS });
  return {
    ...{ tokens, lines, log },
    async hold(...held: string[]) {
      secret.replace({ token: held.join("\n") });
      await eventually("the file is read again", () => tokens().join() === held.join());
    },
    replace: (text: string) => secret.replace({ token: text }),
    [Symbol.dispose]: () => tokens[Symbol.dispose](),
  };
}

const code = (expected: status) => (error: unknown) => readDetails(error).code === expected;

const parse = (name: string, text: string) => {
  const secret = mountSecret(join(directory, name), { token: text });
  return readConfig(internalTokenVariables, { INTERNAL_TOKEN_FILE: secret.path("token") }).INTERNAL_TOKEN_FILE;
};

test("the file holds one token or two, on lines of their own", () => {
  assert.deepEqual(parse("one", FIRST!), [FIRST]);
  assert.deepEqual(parse("two", `\n${FIRST}\r\n\n ${SECOND} \n`), [FIRST, SECOND]);
});

test("what is no token is said without it", () => {
  const faulty = {
    none: "\n \n",
    three: `${FIRST}\n${SECOND}\n${THIRD}`,
    short: "hunter2",
    umlaut: "a token with an ü in it",
    long: "x".repeat(201),
  };
  for (const [name, text] of Object.entries(faulty))
    assert.throws(
      () => parse(`faulty-${name}`, text),
      (error: unknown) =>
        error instanceof ConfigError && /INTERNAL_TOKEN_FILE: /.test(error.message) && !/hunter2|ü|xxx|first/.test(error.message),
      name,
    );
});

test("tokens are replaced on running roles, in the order of docs/operations.md, and every call is admitted", async () => {
  using client = startRole("client", FIRST!);
  using server = startRole("server", FIRST!);
  const handlers = { getPreferences: async () => ({ optOuts: [], consents: [], blocks: [], version: 0 }) } as never;
  const calls = { log: server.log, authenticate: authenticateInternal(server.tokens) };
  await using serving = await startGrpcServer({
    ...{ address: "127.0.0.1:0", reflection: false, log: server.log, drainMs: 100 },
    services: [serveHandlers(PreferenceServiceService, handlers, calls)],
  });
  using stub = Object.assign(createClient(PreferenceServiceClient, serving.address), { [Symbol.dispose]: () => stub.close() });
  const call = () =>
    callUnary(stub, PreferenceServiceService.getPreferences, { subject: undefined }, { metadata: internalMetadata(client.tokens, "shop") });

  await call();
  // Both sides in turn, in either order, and a call after each.
  for (const held of [[FIRST!, SECOND!], [SECOND!, FIRST!], [SECOND!]]) {
    for (const role of held[0] === FIRST ? [client, server] : [server, client]) {
      await role.hold(...held);
      await call();
    }
  }
  // A role that missed the rotation is told apart from one whose peer is unavailable.
  await client.hold(FIRST!);
  await assert.rejects(call(), code(status.PERMISSION_DENIED));
  await serving[Symbol.asyncDispose]();
  await assert.rejects(call(), code(status.UNAVAILABLE));
  const printed = [...client.lines, ...server.lines].join("");
  assert.match(printed, /"variables":\["INTERNAL_TOKEN_FILE"\],"msg":"configuration reloaded"/);
  assert.doesNotMatch(printed, /of the tokens/);
});

test("a file that can no longer be used is logged, and the tokens before stay in use", async () => {
  using role = startRole("spoilt", FIRST!);
  role.replace("short");
  await eventually("it is logged", () => role.lines.join("").includes("changed files cannot be used"));
  assert.deepEqual(role.tokens(), [FIRST]);
  assert.doesNotMatch(role.lines.join(""), /short/);
});
