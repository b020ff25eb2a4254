import assert from "node:assert/strict";
import { it, test } from "node:test";
import { describeApps } from "../support/store/apps.ts";
import { describeAttempts } from "../support/store/attempts.ts";
import { describeAttributions } from "../support/store/attributions.ts";
import { describeBlobs } from "../support/store/blobs.ts";
import { describeContacts } from "../support/store/contacts.ts";
import { describeContents } from "../support/store/contents.ts";
import { describeDeliveries } from "../support/store/deliveries.ts";
import { describeFailures } from "../support/store/failures.ts";
import { describeNotifications } from "../support/store/notifications.ts";
import { describeOutbox } from "../support/store/outbox.ts";
import { describePoison } from "../support/store/poison.ts";
import { describePreferences } from "../support/store/preferences.ts";
import { describeProfiles } from "../support/store/profiles.ts";
import { describePurge } from "../support/store/purge.ts";
import { describeReading } from "../support/store/reading.ts";
import { describeResolutions } from "../support/store/resolutions.ts";
import { sampleAttempt, sampleNotification, T0 } from "../support/store/samples.ts";
import type { StoreTest } from "../support/store/store-test.ts";
import { describeWebhooks } from "../support/store/webhooks.ts";
import { createMemoryStore } from "./memory-store.ts";

const contract: StoreTest = (sentence, body) => {
  // Tests that use the URL open the database a second time; this store has no URL.
  if (body.length < 2) it(sentence, () => body(createMemoryStore(), "memory"));
};
const name = "memory store";
describeNotifications(name, contract);
describeOutbox(name, contract);
describeDeliveries(name, contract);
describeFailures(name, contract);
describeContents(name, contract);
describeBlobs(name, contract);
describeAttempts(name, contract);
describeAttributions(name, contract);
describeResolutions(name, contract);
describeReading(name, contract);
describeContacts(name, contract);
describePreferences(name, contract);
describeWebhooks(name, contract);
describeProfiles(name, contract);
describeApps(name, contract);
describePoison(name, contract);
describePurge(name, contract);

test("a record that was read or written cannot be used to change the store", async () => {
  const store = createMemoryStore();
  const [record, attempt] = [sampleNotification([T0]), sampleAttempt()];
  await store.notifications.insert([record]);
  await store.attempts.claim([attempt]);
  record.deliveries[0]!.state = "failed";
  const read = await store.notifications.find(record.id);
  assert.equal(read?.deliveries[0]?.state, "pending");
  assert.throws(() => Object.assign(read!.deliveries[0]!, { state: "failed" }), TypeError);
  assert.throws(() => Object.assign(read!, { category: "other" }), TypeError);
  const [claimed] = await store.attempts.find([attempt.id]);
  assert.throws(() => Object.assign(claimed!, { worker: "another" }), TypeError);
});
