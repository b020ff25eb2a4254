import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { apnsKindOf, PUSH_FIELDS, type PushContent } from "../../core/content/push-content.ts";
import type { PushChannel } from "../../core/delivery/channel.ts";
import type { ApnsKind, Endpoint } from "../../core/delivery/endpoint.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { freshTokenOf } from "../../test/support/fresh.ts";
import { apns } from "../apns/index.ts";
import { fcm } from "../fcm/index.ts";
import { webpush } from "../webpush/index.ts";
import { arrivedAt, valueAt } from "./arrived.ts";
import { ORIGIN, PUSH_ROWS } from "./push.ts";
import { placesOf } from "./row.ts";

const DEFINITIONS = { apns, fcm, webpush };
const directory = mkdtempSync(join(tmpdir(), "carillon-fields-"));
let sandbox: Sandbox;
const providers = new Map<PushChannel, Provider>();

before(async () => {
  sandbox = await startSandbox({ directory });
  const parts = { clock: systemClock, attribute: async () => false };
  for (const { channel, variables, load } of Object.values(DEFINITIONS))
    providers.set(channel as PushChannel, (await load())(readConfig(variables, { ...sandbox.env, WEBPUSH_APP_ORIGIN: ORIGIN }), parts));
});
after(async () => {
  for (const provider of providers.values()) await provider[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const endpointOf = (channel: PushChannel, kind: ApnsKind | undefined): Endpoint =>
  channel === "apns"
    ? kind === undefined
      ? { channel, token: "5a".repeat(32) }
      : freshTokenOf(kind)
    : channel === "fcm"
      ? { channel, token: "device:1" }
      : { channel, ...sandbox.webPushSubscription("browser-1") };

/** What the sandbox received of a content. */
async function sent(channel: PushChannel, push: PushContent): Promise<unknown> {
  const delivery = samplePush(endpointOf(channel, apnsKindOf(push)), { content: { push } });
  const outcome = await providers.get(channel)!.send(delivery, AbortSignal.timeout(60_000));
  assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
  const entries = sandbox.ledger.entries({ deliveryId: delivery.deliveryId });
  assert.equal(entries.length, 1);
  return arrivedAt(entries[0]!);
}

const CHANNELS: readonly PushChannel[] = ["apns", "fcm", "webpush"];

for (const { field, content, arrives } of PUSH_ROWS)
  test(`${field} arrives where the table says`, async () => {
    for (const channel of CHANNELS) {
      if ("not" in arrives[channel]) continue;
      const arrived = await sent(channel, content.push!);
      for (const { path, value } of placesOf(arrives[channel])) assert.deepEqual(valueAt(arrived, path), value, `${channel} ${path}`);
    }
  });

test("the table has every field of the contract", () => {
  const named = new Set(PUSH_ROWS.map(({ field }) => field.replace(/ \(.*/, "")));
  const fields = PUSH_FIELDS.map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  assert.deepEqual([...named].sort(), fields.toSorted());
});

/** Rows of which each contradicts another: they are another kind of push, or another value of the same field. */
const isApart = (field: string) => field.includes("(") || field === "background" || field === "voip" || field.endsWith("_localized");

test("all fields that go together arrive together", async () => {
  const rows = PUSH_ROWS.filter(({ field }) => !isApart(field));
  const all: PushContent = Object.assign({}, ...rows.map(({ content }) => content.push));
  all.data = { table: "7" };
  for (const channel of CHANNELS) {
    const arrived = await sent(channel, all);
    for (const { field, arrives } of rows)
      for (const { path, value } of placesOf(arrives[channel])) {
        // Their values are made of several fields.
        if (["body", "subtitle", "interruption_level"].includes(field))
          assert.notEqual(valueAt(arrived, path), undefined, `${channel} ${path}`);
        else assert.deepEqual(valueAt(arrived, path), value, `${channel} ${path}`);
      }
  }
});
