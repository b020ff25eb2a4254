import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { createPreferences } from "../adapters/opt-outs/preferences.ts";
import { createOptOutsClient } from "../adapters/preferences/opt-outs-client.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { endpointToProto } from "../adapters/wire/convert.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { Store } from "../core/ports/store.ts";
import { Channel } from "../gen/carillon/v1/channel.ts";
import { PreferenceServiceClient, PreferenceServiceService, type Subject } from "../gen/carillon/v1/preference_service.ts";
import { systemClock } from "../runtime/clock.ts";
import { callUnary, createClient } from "../runtime/grpc/client.ts";
import { authenticateInternal, internalMetadata } from "../runtime/grpc/internal-call.ts";
import { serveHandlers } from "../runtime/grpc/serve-handlers.ts";
import { type GrpcServer, startGrpcServer } from "../runtime/grpc/server.ts";
import { readDetails } from "../runtime/grpc/status.ts";
import type { InternalTokens } from "../runtime/internal-tokens.ts";
import { createLogger } from "../runtime/logger.ts";
import { questionRequest, updateRequest } from "../test/support/preference-requests.ts";
import { type WatchedPreferences, watchPreferences } from "../test/support/watched-preferences.ts";
import { createPreferenceHandlers } from "./preference-handlers.ts";

const TOKEN = "internal-token";
const tokens = () => [TOKEN];
const log = createLogger("test", "silent");
const stack = new AsyncDisposableStack();
let store: Store;
let watched: WatchedPreferences;
let server: GrpcServer;
let client: PreferenceServiceClient;

async function serve(internalTokens: InternalTokens): Promise<GrpcServer> {
  const preferences = stack.use(
    createPreferences({ store: watched.store, apps: store.apps, profiles: store.profiles, redis: undefined, clock: systemClock, log }),
  );
  const calls = { log, authenticate: authenticateInternal(internalTokens) };
  const services = [serveHandlers(PreferenceServiceService, createPreferenceHandlers(preferences), calls)];
  return stack.use(await startGrpcServer({ address: "127.0.0.1:0", services, reflection: false, log, drainMs: 100 }));
}
const connect = (to: GrpcServer) => stack.use(createClient(PreferenceServiceClient, `127.0.0.1:${to.port}`));

before(async () => {
  store = stack.use(await openStore("sqlite::memory:"));
  watched = watchPreferences(store.preferences);
  server = await serve(tokens);
  client = connect(server);
});
after(() => stack.disposeAsync());

const asShop = { metadata: internalMetadata(tokens, "shop"), deadlineMs: 3_000 };
const user = (userId: string): Subject => ({ subject: { $case: "userId", value: userId } });
const update = (subject: Subject | undefined, optOut: [Channel, string][], optIn: [Channel, string][] = []) => {
  const optOuts = (pairs: [Channel, string][]) => pairs.map(([channel, category]) => ({ channel, category }));
  const request = updateRequest({ subject, optOut: optOuts(optOut), optIn: optOuts(optIn) });
  return callUnary(client, PreferenceServiceService.updatePreferences, request, asShop);
};
const get = (subject: Subject | undefined) => callUnary(client, PreferenceServiceService.getPreferences, { subject }, asShop);
const code = (expected: status) => (error: unknown) => readDetails(error).code === expected;

test("an opt-out is stored, returned, honoured, and revoked", async () => {
  assert.deepEqual(await get(user("ada")), { optOuts: [], consents: [], blocks: [], version: 0 });
  const everywhere = { channel: Channel.CHANNEL_UNSPECIFIED, category: "news", until: undefined };
  const sms = { channel: Channel.CHANNEL_SMS, category: "", until: undefined };
  const updated = await update(user("ada"), [
    [everywhere.channel, everywhere.category],
    [sms.channel, sms.category],
  ]);
  assert.deepEqual(updated, { optOuts: [everywhere, sms], consents: [], blocks: [], version: 1 });
  assert.deepEqual(await get(user("ada")), updated);

  using optOuts = createOptOutsClient({ address: `127.0.0.1:${server.port}`, tokens, log });
  const ask = (channel: "sms" | "email", category: string, app = "shop") =>
    optOuts.check([{ app, userId: "ada", endpoint: undefined, channel, category, notificationClass: "transactional" }]);
  assert.deepEqual(await ask("email", "news"), ["opted-out"]);
  assert.deepEqual(await ask("sms", "receipts"), ["opted-out"]);
  assert.deepEqual(await ask("email", "receipts"), ["allowed"]);
  assert.deepEqual(await ask("email", "news", "bank"), ["allowed"], "opt-outs are per app");

  assert.deepEqual(await update(user("ada"), [], [[Channel.CHANNEL_UNSPECIFIED, "news"]]), {
    ...{ optOuts: [sms], consents: [], blocks: [], version: 2 },
  });
  assert.deepEqual(await ask("email", "news"), ["allowed"]);
});

test("an endpoint's opt-out holds for every user", async () => {
  const endpoint: Endpoint = { channel: "sms", phoneNumber: "+4915112345678" };
  await update({ subject: { $case: "endpoint", value: endpointToProto(endpoint) } }, [[Channel.CHANNEL_UNSPECIFIED, ""]]);
  using optOuts = createOptOutsClient({ address: `127.0.0.1:${server.port}`, tokens, log });
  const common = { app: "shop", channel: "sms", category: "news", notificationClass: "marketing" } as const;
  assert.deepEqual(
    await optOuts.check([
      { ...common, userId: "carl", endpoint },
      { ...common, userId: undefined, endpoint },
      { ...common, userId: "carl", endpoint: { channel: "sms", phoneNumber: "+4915112345679" } },
    ]),
    ["opted-out", "opted-out", "allowed"],
  );
});

test("callers must have the token and name an app", async () => {
  const questions = [questionRequest({ userId: "ada", channel: Channel.CHANNEL_SMS })];
  const check = (metadata: Metadata, to = client) => callUnary(to, PreferenceServiceService.checkPreferences, { questions }, { metadata });
  const appOnly = new Metadata();
  appOnly.set("carillon-app", "shop");
  await assert.rejects(check(appOnly), code(status.UNAUTHENTICATED));
  await assert.rejects(check(internalMetadata(() => ["another-token"], "shop")), code(status.PERMISSION_DENIED));
  await assert.rejects(check(internalMetadata(() => [""], "shop")), code(status.PERMISSION_DENIED));
  await assert.rejects(check(internalMetadata(tokens, "")), code(status.UNAUTHENTICATED));
  const open = connect(await serve(() => [""]));
  await assert.rejects(
    check(
      internalMetadata(() => [""], "shop"),
      open,
    ),
    code(status.PERMISSION_DENIED),
    "an empty token is no token",
  );
  assert.equal((await check(internalMetadata(tokens, "shop"))).answers.length, 1);
});

test("incomplete requests are INVALID_ARGUMENT", async () => {
  const invalid = code(status.INVALID_ARGUMENT);
  await assert.rejects(get(undefined), invalid);
  await assert.rejects(get(user("")), invalid);
  await assert.rejects(get({ subject: { $case: "endpoint", value: { address: undefined } } }), invalid);
  await assert.rejects(update(undefined, []), invalid);
  await assert.rejects(update(user("ada"), [[Channel.UNRECOGNIZED, "news"]]), invalid);
  const check = (questions: { userId: string; channel: Channel }[]) =>
    callUnary(client, PreferenceServiceService.checkPreferences, { questions: questions.map(questionRequest) }, asShop);
  await assert.rejects(check([]), invalid);
  await assert.rejects(check([{ userId: "", channel: Channel.CHANNEL_SMS }]), invalid);
  await assert.rejects(check([{ userId: "ada", channel: Channel.CHANNEL_UNSPECIFIED }]), invalid);
  await assert.rejects(check(Array.from({ length: 1_001 }, () => ({ userId: "ada", channel: Channel.CHANNEL_SMS }))), invalid);
});

test("a subject has at most 1,000 opt-outs of single categories, and can always opt out of everything", async () => {
  const grace = user("grace");
  const of = (i: number): [Channel, string][] => Array.from({ length: 100 }, (_, k) => [Channel.CHANNEL_SMS, `c${i}-${k}`]);
  for (let i = 0; i < 10; i++) await update(grace, of(i));
  for (let i = 10; i < 12; i++)
    await assert.rejects(update(grace, of(i)), (error) => {
      const { code, reason, fields } = readDetails(error);
      return code === status.FAILED_PRECONDITION && reason === "TOO_MANY_OPT_OUTS" && fields[0]?.field === "opt_out";
    });
  assert.equal((await update(grace, [[Channel.CHANNEL_UNSPECIFIED, ""]])).optOuts.length, 1_001);
  assert.equal((await get(grace)).optOuts.length, 1_001);
});

test("while the store is unavailable every method is UNAVAILABLE and the client returns unknown", async () => {
  watched.away = true;
  try {
    await assert.rejects(get(user("ada")), code(status.UNAVAILABLE));
    await assert.rejects(update(user("ada"), []), code(status.UNAVAILABLE));
    using optOuts = createOptOutsClient({ address: `127.0.0.1:${server.port}`, tokens, log });
    const question = {
      app: "shop",
      userId: "dora",
      endpoint: undefined,
      channel: "sms",
      category: "news",
      notificationClass: "critical",
    } as const;
    assert.deepEqual(await optOuts.check([question]), ["unknown"]);
  } finally {
    watched.away = false;
  }
});
