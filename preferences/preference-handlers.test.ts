import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { endpointId } from "../adapters/ids.ts";
import { createPreferences, type Preferences } from "../adapters/opt-outs/preferences.ts";
import { createOptOutsClient } from "../adapters/preferences/opt-outs-client.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { endpointToProto } from "../adapters/wire/convert.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { OptOutAnswer } from "../core/ports/opt-outs.ts";
import type { Store } from "../core/ports/store.ts";
import type { Block } from "../core/preferences/block.ts";
import { endpointSubject } from "../core/preferences/opt-out.ts";
import { Channel } from "../gen/carillon/v1/channel.ts";
import {
  BlockKind,
  type OptOut,
  PreferenceServiceClient,
  PreferenceServiceService,
  type Subject,
} from "../gen/carillon/v1/preference_service.ts";
import { systemClock } from "../runtime/clock.ts";
import { callUnary, createClient } from "../runtime/grpc/client.ts";
import { authenticateInternal, internalMetadata } from "../runtime/grpc/internal-call.ts";
import { serveHandlers } from "../runtime/grpc/serve-handlers.ts";
import { type GrpcServer, startGrpcServer } from "../runtime/grpc/server.ts";
import { readDetails } from "../runtime/grpc/status.ts";
import type { InternalTokens } from "../runtime/internal-tokens.ts";
import { createLogger } from "../runtime/logger.ts";
import { checkRequest, updateRequest } from "../test/support/preference-requests.ts";
import { sampleApp } from "../test/support/store/samples.ts";
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

async function serve(internalTokens: InternalTokens, over: Partial<Preferences> = {}): Promise<GrpcServer> {
  const preferences = stack.use(
    createPreferences({ store: watched.store, apps: store.apps, profiles: store.profiles, redis: undefined, clock: systemClock, log }),
  );
  const calls = { log, authenticate: authenticateInternal(internalTokens) };
  const services = [serveHandlers(PreferenceServiceService, createPreferenceHandlers({ ...preferences, ...over }), calls)];
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
  const request = checkRequest([{ userId: "ada", channel: Channel.CHANNEL_SMS }]);
  const check = (metadata: Metadata, to = client) => callUnary(to, PreferenceServiceService.checkPreferences, request, { metadata });
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
    callUnary(client, PreferenceServiceService.checkPreferences, checkRequest(questions), asShop);
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

test("a question that cannot be answered hides no refusal of the same call, but from callers that know no unknown answer", async () => {
  const answers: OptOutAnswer[] = ["stopped", "unknown", "allowed"];
  const { port } = await serve(tokens, { check: async () => answers });
  using optOuts = createOptOutsClient({ address: `127.0.0.1:${port}`, tokens, log });
  const common = { app: "shop", endpoint: undefined, channel: "sms", category: "news", notificationClass: "critical" } as const;
  assert.deepEqual(await optOuts.check(["ada", "bob", "cy"].map((userId) => ({ ...common, userId }))), answers);
  const client = stack.use(createClient(PreferenceServiceClient, `127.0.0.1:${port}`));
  const earlier = checkRequest(["ada", "bob", "cy"].map((userId) => ({ userId, channel: Channel.CHANNEL_SMS })));
  const asked = (acceptsUnknown: boolean) =>
    callUnary(client, PreferenceServiceService.checkPreferences, { ...earlier, acceptsUnknown }, asShop);
  await assert.rejects(asked(false), code(status.UNAVAILABLE));
  assert.deepEqual(
    (await asked(true)).answers.map(({ optedOut, reason, unknown }) => [optedOut, reason?.code, unknown]),
    [
      [true, "stopped", false],
      [false, undefined, true],
      [false, undefined, false],
    ],
  );
});

test("choices of a required category are refused by field, and forgetting them is not", async () => {
  const categories = [{ name: "codes", labels: {}, default: "opted-in" as const, tenantDefaults: { bank: "required" as const } }];
  // Another app: what is known of the first one's categories may be seconds old.
  await store.apps.change("library", () => ({ ...sampleApp(), categories }));
  await store.profiles.put("library", "hedy", { tenant: "bank" }, 1);
  const asLibrary = { metadata: internalMetadata(tokens, "library"), deadlineMs: 3_000 };
  const of = (choices: [Channel, string][]) => choices.map(([channel, category]) => ({ channel, category }));
  const change = (userId: string, optOut: [Channel, string][], optIn: [Channel, string][] = []) => {
    const request = updateRequest({ subject: user(userId), optOut: of(optOut), optIn: of(optIn) });
    return callUnary(client, PreferenceServiceService.updatePreferences, request, asLibrary);
  };
  const refused = (error: unknown) => {
    const { code: got, reason, fields } = readDetails(error);
    assert.deepEqual(
      [got, reason, fields.map(({ field }) => field)],
      [status.FAILED_PRECONDITION, "CATEGORY_REQUIRED", ["opt_out[1].category"]],
    );
    return true;
  };
  const choices: [Channel, string][] = [
    [Channel.CHANNEL_SMS, "news"],
    [Channel.CHANNEL_SMS, "codes"],
    [Channel.CHANNEL_UNSPECIFIED, ""],
  ];
  await assert.rejects(change("hedy", choices), refused);
  assert.equal((await change("hedy", [], choices)).version, 1, "all of it, or nothing, was applied before");
  assert.equal((await change("ida", choices)).version, 1, "a user of no tenant");
});

test("the history is listed in pages, with who made each change, how and why", async () => {
  const origin = { actor: "ann@support", source: "phone", evidence: "call 17" };
  const change = (optOut: OptOut[], more = {}) =>
    callUnary(client, PreferenceServiceService.updatePreferences, updateRequest({ subject: user("joan"), optOut, ...more }), asShop);
  const until = new Date("2099-01-01");
  await change([{ channel: Channel.CHANNEL_SMS, category: "news", until }], { origin });
  await change([], { consent: [{ channel: Channel.CHANNEL_SMS, category: "news", until: undefined }] });
  const list = async (pageSize: number, beforeVersion: number) =>
    (await callUnary(client, PreferenceServiceService.listPreferenceChanges, { subject: user("joan"), pageSize, beforeVersion }, asShop))
      .changes;
  const [latest, ...more] = await list(1, 0);
  assert.deepEqual([latest?.version, more.length], [2, 0]);
  assert.deepEqual(latest?.before?.optOuts, [{ channel: Channel.CHANNEL_SMS, category: "news", until }]);
  assert.deepEqual(
    [latest?.after?.optOuts, latest?.after?.consents.length, latest?.origin],
    [[], 1, { actor: "", source: "", evidence: "" }],
  );
  const [first] = await list(0, 2);
  assert.deepEqual([first?.version, first?.origin], [1, origin]);
  assert.deepEqual(await list(0, 1), []);
});

test("a block is lifted by kind, with a word why, and what is not there changes nothing", async () => {
  const endpoint: Endpoint = { channel: "sms", phoneNumber: "+4915112345670" };
  const block = (kind: Block["kind"]): Block => ({ kind, reason: "x", source: "test", at: 7, ...(kind === "stop" && { pool: "" }) });
  const subject = endpointSubject(endpointId(endpoint));
  await store.preferences.update("shop", subject, { block: [block("stop"), block("manual")], origin: {} }, 1);
  const lift = (kind: BlockKind, evidence: string) => {
    const request = { endpoint: endpointToProto(endpoint), kind, origin: { actor: "", source: "", evidence } };
    return callUnary(client, PreferenceServiceService.liftBlock, request, asShop);
  };
  await assert.rejects(lift(BlockKind.BLOCK_KIND_STOP, ""), code(status.INVALID_ARGUMENT));
  const lifted = await lift(BlockKind.BLOCK_KIND_STOP, "START by text");
  assert.deepEqual(
    lifted.lifted.map(({ kind, senderPool }) => [kind, senderPool]),
    [[BlockKind.BLOCK_KIND_STOP, "(default)"]],
  );
  assert.deepEqual(await lift(BlockKind.BLOCK_KIND_STOP, "again"), { lifted: [], version: lifted.version });
  const left = await get({ subject: { $case: "endpoint", value: endpointToProto(endpoint) } });
  assert.deepEqual(left.blocks, [
    { kind: BlockKind.BLOCK_KIND_MANUAL, senderPool: "", classes: [], reason: "x", source: "test", blockedAt: new Date(7) },
  ]);
  using optOuts = createOptOutsClient({ address: `127.0.0.1:${server.port}`, tokens, log });
  const asked = { app: "shop", userId: undefined, endpoint, channel: "sms", category: "news", notificationClass: "critical" } as const;
  assert.deepEqual(await optOuts.check([asked]), ["blocked"]);
});

test("each change is a line of the log without its person, its maker and its proof", async () => {
  const lines: string[] = [];
  const written = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const { preferences, apps, profiles } = store;
  await using own = createPreferences({ store: preferences, apps, profiles, redis: undefined, clock: systemClock, log: written });
  const origin = { actor: "ann@support", source: "phone", evidence: "call of kate" };
  await own.update("shop", "user:kate", { optOut: [{ channel: "sms", category: "news", until: 0 }], block: [], origin });
  assert.equal(lines.length, 1);
  const { msg, app, version, source, optOutsAfter } = JSON.parse(lines[0]!);
  assert.deepEqual(
    [msg, app, version, source, optOutsAfter],
    ["preferences changed", "shop", 1, "phone", ["sms/news until 1970-01-01T00:00:00.000Z"]],
  );
  assert.doesNotMatch(lines[0]!, /kate|ann/);
});
