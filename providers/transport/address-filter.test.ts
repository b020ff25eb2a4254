import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { type Agent, get } from "node:https";
import { test } from "node:test";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type AddressFilter, createAddressFilter } from "../../runtime/outbound.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { startUnwantedServer } from "../../test/support/unwanted-server.ts";
import { createApnsConnection } from "../apns/connection.ts";
import { buildApnsPush } from "../apns/payload.ts";
import { createAccessToken } from "../fcm/access-token.ts";
import { createHttp1Calls } from "./http1-calls.ts";
import { createJsonHttp } from "./json-http.ts";
import { addressFilterFor } from "./provider-connections.ts";
import { createSdkConnections } from "./sdk-connections.ts";
import { classifyTransport } from "./transport-fault.ts";

const NOT_ALLOWED: Outcome = { kind: "unavailable", fault: { code: "address-not-allowed" } };
const addressFilter = createAddressFilter([]);
const soon = () => AbortSignal.timeout(15_000);

/** What each kind of connection makes of an origin whose name resolves to loopback. */
const kinds: Record<string, (origin: string, addressFilter: AddressFilter) => Promise<Outcome | undefined>> = {
  async "JSON over HTTP"(origin, addressFilter) {
    await using http = createJsonHttp({ origin, ca: "", addressFilter });
    const posted = await http.post("/", {}, {}, soon());
    return posted.kind === "none" ? posted.outcome : undefined;
  },
  async "an SDK's connection to a given origin"(origin, addressFilter) {
    using connections = createSdkConnections({ origin, ca: "", addressFilter });
    const got = await connections.exchange(soon(), () => getWith(connections.agent, "https://api.example.com/"));
    return got.kind === "threw" ? classifyTransport(got.error, got.seen) : undefined;
  },
  async "an SDK's connection to wherever it goes"(origin, addressFilter) {
    using connections = createSdkConnections({ ca: "", addressFilter });
    const got = await connections.exchange(soon(), () => getWith(connections.agent, origin));
    return got.kind === "threw" ? classifyTransport(got.error, got.seen) : undefined;
  },
  async APNs(origin, addressFilter) {
    using connection = createApnsConnection({ origin, ca: "", addressFilter, deadlineMs: 5_000, certificate: undefined });
    const call = { signal: soon(), written: false, mayBegin: () => true };
    const push = buildApnsPush(samplePush({ channel: "apns", token: "aa" }), "aa", { title: "t", body: "b", data: {} }, { now: 0 });
    return await connection.send(push, { topic: "app", jwt: "token" }, call).then(
      () => undefined,
      (error: unknown) => classifyTransport(error, call),
    );
  },
  async "the exchange of FCM's access token"(origin, addressFilter) {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const account = { projectId: "p", clientEmail: "a@b", privateKey: privateKey.export({ format: "pem", type: "pkcs8" }).toString() };
    await using token = createAccessToken({
      account,
      tokenUrl: `${origin}/token`,
      ca: "",
      addressFilter,
      deadlineMs: 5_000,
      clock: systemClock,
    });
    const answer = await token.get();
    return answer.kind === "failed" ? answer.outcome : undefined;
  },
};

async function getWith(agent: Agent, url: string): Promise<void> {
  const request = get(url, { agent });
  await once(request, "response");
}

for (const [kind, outcomeAt] of Object.entries(kinds))
  test(`${kind} is not made where the name resolves to loopback, and nothing was sent`, async () => {
    await using server = await startUnwantedServer();
    assert.deepEqual(await outcomeAt(`https://localhost:${server.port}`, addressFilter), NOT_ALLOWED);
    assert.equal(server.connections, 0);
    // The same name, where its address is allowed: the server cuts the handshake.
    const outcome = await outcomeAt(`https://localhost:${server.port}`, createAddressFilter(["127.0.0.0/8", "::1"]));
    assert.ok(outcome?.kind === "unavailable" && outcome.fault.code !== "address-not-allowed", JSON.stringify(outcome));
    assert.ok(server.connections > 0);
  });

test("an address instead of a name is judged too", async () => {
  await using server = await startUnwantedServer();
  using connections = createSdkConnections({ ca: "", addressFilter });
  await using calls = createHttp1Calls({ ca: "", addressFilter });
  for (const host of ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"]) {
    const call = { origin: `https://${host}:${server.port}`, path: "/", method: "GET" as const };
    assert.deepEqual(await calls.exchange(call, soon(), () => true), { kind: "none", outcome: NOT_ALLOWED }, host);
    const got = await connections.exchange(soon(), () => getWith(connections.agent, `https://${host}:${server.port}/`));
    assert.ok(got.kind === "threw");
    assert.deepEqual(classifyTransport(got.error, got.seen), NOT_ALLOWED, host);
  }
  assert.equal(server.connections, 0);
});

test("a provider's own origin has a addressFilter, and one the operator set has none", () => {
  const variable = { default: "https://api.example.com" };
  assert.ok(addressFilterFor("https://api.example.com", variable, [])?.allows("8.8.8.8"));
  assert.equal(addressFilterFor("https://api.example.com", variable, [])?.allows("10.0.0.1"), false);
  assert.ok(addressFilterFor("https://api.example.com", variable, ["10.0.0.0/8"])?.allows("10.0.0.1"));
  assert.equal(addressFilterFor("https://proxy.internal", variable, []), undefined);
});
