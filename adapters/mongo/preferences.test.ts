// What happens between the steps that MongoDB does not take at once.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, it } from "node:test";
import { type Collection, MongoClient } from "mongodb";
import type { OptOut } from "../../core/preferences/opt-out.ts";
import { changing } from "../../test/support/changing.ts";
import { findMongoServer, NO_MONGODB } from "../../test/support/mongod.ts";
import { T0 } from "../../test/support/store/samples.ts";
import type { PreferenceChangeDocument } from "./preference-history.ts";
import { createPreferenceStore, type PreferenceDocument } from "./preferences.ts";
import type { WebhookEventDocument } from "./webhook-events.ts";
import type { WebhookEndpointsDocument } from "./webhooks.ts";

const server = await findMongoServer();
const news: OptOut = { channel: "email", category: "news" };
const SUBJECT = "user:ada";

if (!server) {
  it("MongoDB store: preferences", {
    skip: NO_MONGODB,
  });
} else {
  const client = await new MongoClient(server.uri, { serverSelectionTimeoutMS: 5_000 }).connect();
  const database = client.db(`carillon-test-${randomBytes(6).toString("hex")}`);
  after(async () => {
    await database.dropDatabase();
    await client.close();
    await server[Symbol.asyncDispose]();
  });
  const records: Collection<PreferenceDocument> = database.collection("preferences");
  const changes: Collection<PreferenceChangeDocument> = database.collection("preference_changes");
  const webhooks = {
    endpoints: database.collection<WebhookEndpointsDocument>("webhook_endpoints"),
    events: database.collection<WebhookEventDocument>("webhook_events"),
  };

  /** A store beside which something happens, once, right before it calls `method`. */
  function interrupted(
    of: "records" | "changes",
    method: "deleteMany" | "insertMany" | "updateOne" | "deleteOne",
    meanwhile: () => Promise<unknown>,
  ) {
    let isOver = false;
    const hooked = <T extends object>(collection: T): T =>
      new Proxy(collection, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== "function") return value;
          if (name !== method) return value.bind(target);
          return async (...args: unknown[]) => {
            if (!isOver) {
              isOver = true;
              await meanwhile();
            }
            return value.apply(target, args);
          };
        },
      });
    return of === "records"
      ? createPreferenceStore(hooked(records), changes, webhooks)
      : createPreferenceStore(records, hooked(changes), webhooks);
  }

  describe("MongoDB store: a history that is removed while it is written", () => {
    const store = createPreferenceStore(records, changes, webhooks);
    const refuse = (to = store) => to.update("shop", SUBJECT, changing([news]), T0);
    const versions = async () => (await store.history("shop", SUBJECT, Number.MAX_SAFE_INTEGER, 10)).map(({ version }) => version);
    const entries = () => changes.countDocuments();
    async function begin(count = 1): Promise<void> {
      await Promise.all([records.deleteMany({}), changes.deleteMany({})]);
      for (let i = 0; i < count; i++) await refuse();
    }
    const twice = async () => {
      await refuse();
      await refuse();
    };

    for (const [of, method] of [
      ["records", "updateOne"],
      ["changes", "deleteMany"],
    ] as const) {
      it(`keeps what is refused before ${method} of ${of}, when the history is removed`, async () => {
        await begin();
        await interrupted(of, method, twice).removeHistory("shop", SUBJECT);
        assert.deepEqual(await versions(), of === "records" ? [] : [3, 2]);
        await refuse();
        assert.equal((await versions())[0], 4);
      });

      it(`keeps what is refused before ${method} of ${of}, when the record is to be removed`, async () => {
        await begin();
        assert.equal(await interrupted(of, method, twice).remove("shop", SUBJECT, 1), false);
        assert.deepEqual((await versions()).slice(0, 2), [3, 2]);
        assert.equal((await store.find("shop", [SUBJECT]))[0]?.version, 3);
      });
    }

    it("does not get back what a slow writer had of it", async () => {
      await begin();
      const late = interrupted("changes", "insertMany", () => store.removeHistory("shop", SUBJECT));
      await refuse(late);
      assert.deepEqual([await entries(), await versions()], [1, [2]]);
    });

    it("does not get back what was removed with its record", async () => {
      await begin(0);
      const late = interrupted("changes", "insertMany", () => store.remove("shop", SUBJECT, 1));
      await refuse(late);
      assert.deepEqual([await entries(), await store.find("shop", [SUBJECT])], [0, []]);
      assert.deepEqual(await versions(), []);
    });

    it("and webhooks tell nothing of it either, and all of what came later", async () => {
      await begin(0);
      await webhooks.endpoints.insertOne({
        _id: "shop",
        endpoints: [{ name: "crm", url: "https://hooks.example/", secrets: [] }],
        version: 1,
      });
      const told = async () => (await webhooks.events.find().toArray()).map(({ change }) => change.version);
      const late = interrupted("changes", "insertMany", () => store.removeHistory("shop", SUBJECT));
      await refuse(late);
      assert.deepEqual(await told(), []);
      await refuse();
      assert.deepEqual(await told(), [2]);
      await webhooks.endpoints.deleteMany({});
    });

    it("does not get back what a reader of the history had of it", async () => {
      await begin();
      await changes.deleteMany({});
      const late = interrupted("changes", "insertMany", () => store.removeHistory("shop", SUBJECT));
      assert.deepEqual(await late.history("shop", SUBJECT, Number.MAX_SAFE_INTEGER, 10), []);
      assert.equal(await entries(), 0);
    });
  });
}
