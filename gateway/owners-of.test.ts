import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../adapters/store/store-error.ts";
import type { ContactRecord, ContactStore } from "../core/ports/contact-store.ts";
import { systemClock } from "../runtime/clock.ts";
import { createOwnersOf } from "./endpoints-of.ts";

const contact = (app: string, endpointId: string, userId: string): ContactRecord => ({
  ...{ app, endpointId, userId, registeredAt: 1 },
  endpoint: { channel: "sms", phoneNumber: "+4915112345678" },
});

test("calls that arrive together share one read of the owners, and each gets its own", async () => {
  const reads: number[] = [];
  const all = [contact("shop", "e1", "ann"), contact("shop", "e1", "bob"), contact("bank", "e1", "eve"), contact("shop", "e2", "kid")];
  const contacts: Pick<ContactStore, "find"> = {
    async find(endpoints) {
      reads.push(endpoints.length);
      return all.filter((c) => endpoints.some(({ app, endpointId }) => c.app === app && c.endpointId === endpointId));
    },
  };
  const owners = createOwnersOf(contacts, 100, systemClock);
  const found = await Promise.all([
    owners.find([{ app: "shop", endpointId: "e1" }]),
    owners.find([
      { app: "bank", endpointId: "e1" },
      { app: "shop", endpointId: "e2" },
    ]),
    owners.find([{ app: "shop", endpointId: "e1" }]),
    owners.find([{ app: "shop", endpointId: "none" }]),
  ]);
  assert.deepEqual(
    found.map((records) => records.map(({ userId }) => userId)),
    [["ann", "bob"], ["eve", "kid"], ["ann", "bob"], []],
  );
  assert.deepEqual(reads, [4]);
});

test("more reads than may wait fail as the store does, so that opt-outs count as unknown", async () => {
  const owners = createOwnersOf({ find: async () => [] }, 10, systemClock);
  const endpoints = Array.from({ length: 50 }, (_, i) => ({ app: "shop", endpointId: `e${i}` }));
  await assert.rejects(owners.find(endpoints), StoreError);
});
