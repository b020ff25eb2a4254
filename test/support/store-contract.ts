import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { changing } from "./changing.ts";
import { leaseDue } from "./lease-due.ts";
import { describeApps } from "./store/apps.ts";
import { describeAttempts } from "./store/attempts.ts";
import { describeAttributions } from "./store/attributions.ts";
import { describeBlobs } from "./store/blobs.ts";
import { describeCancelling } from "./store/cancelling.ts";
import { describeCaps } from "./store/caps.ts";
import { describeContacts } from "./store/contacts.ts";
import { describeContentDeletion } from "./store/content-deletion.ts";
import { describeContents } from "./store/contents.ts";
import { describeDeliveries } from "./store/deliveries.ts";
import { describeErasure } from "./store/erasure.ts";
import { describeFailures } from "./store/failures.ts";
import { describeLease } from "./store/lease.ts";
import { describeNotifications } from "./store/notifications.ts";
import { describeOutbox } from "./store/outbox.ts";
import { describePoison } from "./store/poison.ts";
import { describePreferences } from "./store/preferences.ts";
import { describeProfiles } from "./store/profiles.ts";
import { describePurge } from "./store/purge.ts";
import { describeReading } from "./store/reading.ts";
import { describeResolutions } from "./store/resolutions.ts";
import { sampleApp, sampleAttempt, sampleContact, sampleNotification, T0 } from "./store/samples.ts";
import { describeSearching } from "./store/searching.ts";
import { describeSteering } from "./store/steering.ts";
import type { StoreTest } from "./store/store-test.ts";
import { describeWebhooks } from "./store/webhooks.ts";

/** An empty database of its own; disposing of it drops it. */
export interface TestDatabase extends AsyncDisposable {
  url: string;
  /** Whether the store under test writes in a thread of its own; absent: no. */
  hasWriterThread?: boolean;
}

/** What every store keeps to. `createDatabase` gives a fresh one for each test. */
export function describeStoreContract(name: string, createDatabase: () => Promise<TestDatabase>): void {
  const test: StoreTest = (sentence, body) =>
    it(sentence, async () => {
      await using database = await createDatabase();
      await using store = await openStore(database.url, { hasWriterThread: database.hasWriterThread ?? false });
      await body(store, database.url);
    });

  describeNotifications(name, test);
  describeOutbox(name, test);
  describeDeliveries(name, test);
  describeCancelling(name, test);
  describeSearching(name, test);
  describeFailures(name, test);
  describeContents(name, test);
  describeBlobs(name, test);
  describeAttempts(name, test);
  describeResolutions(name, test);
  describeAttributions(name, test);
  describeReading(name, test);
  describeContacts(name, test);
  describePreferences(name, test);
  describeWebhooks(name, test);
  describeProfiles(name, test);
  describeApps(name, test);
  describeCaps(name, test);
  describePoison(name, test);
  describePurge(name, test);
  describeContentDeletion(name, test);
  describeErasure(name, test);
  describeLease(name, test);
  describeSteering(name, test);

  describe(`${name}: opening`, () => {
    test("keeps everything when closed and opened again", async (store, url) => {
      const [record, attempt, contact] = [sampleNotification([T0]), sampleAttempt(), sampleContact()];
      const app = sampleApp({ keys: [{ id: "a", hash: "k1" }] });
      {
        await using first = await openStore(url);
        await first.notifications.insert([record]);
        await first.attempts.claim([attempt]);
        await first.contacts.register(contact);
        await first.preferences.update("shop", "user:u1", changing([{ channel: "*", category: "ads" }]), T0);
        await first.apps.change(app.id, () => app);
      }
      await using again = await openStore(url);
      for (const s of [again, store]) {
        assert.deepEqual(await leaseDue(s.notifications, T0, T0, 1), [record]);
        assert.deepEqual(await s.attempts.find([attempt.id]), [attempt]);
        assert.deepEqual(await s.contacts.list("shop", ["u1"]), [contact]);
        assert.equal((await s.preferences.find("shop", ["user:u1"]))[0]?.version, 1);
        assert.deepEqual(await s.apps.findByKeyHash("k1"), app);
      }
    });

    it("lets several open a new database at the same moment", async () => {
      await using database = await createDatabase();
      const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(database.url)));
      const record = sampleNotification();
      const results = await Promise.all(stores.map((s) => s.notifications.insert([record])));
      assert.equal(results.flat().filter((r) => r.kind === "inserted").length, 1);
      for (const store of stores) await store[Symbol.asyncDispose]();
    });
  });
}
