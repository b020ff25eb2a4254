import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Store } from "../../../core/ports/store.ts";
import { endpointSubject, type OptOut, userSubject } from "../../../core/preferences/opt-out.ts";
import { tombstoneSubject } from "../../../core/preferences/tombstone.ts";
import type { WebhookEndpoint } from "../../../core/webhooks/endpoint.ts";
import { changing } from "../changing.ts";
import { T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const ads: OptOut = { channel: "sms", category: "ads" };
const endpoint = (name: string, over: Partial<WebhookEndpoint> = {}): WebhookEndpoint => ({
  ...{ name, url: `https://${name}.example/hook`, secrets: [{ sealed: "v1.sealed" }] },
  ...over,
});

const put = (store: Store, app: string, ...endpoints: WebhookEndpoint[]) => store.webhooks.change(app, () => endpoints);
const change = (store: Store, subject: string, at = T0, app = "shop") => store.preferences.update(app, subject, changing([ads]), at);
const due = async (store: Store, name: string, now = T0 + 1_000, limit = 100) =>
  (await store.webhooks.due("shop", name, now, limit)).map(({ change: { subject, version }, tries }) => `${subject}/${version}/${tries}`);

export function describeWebhooks(name: string, test: StoreTest): void {
  describe(`${name}: webhooks`, () => {
    test("keeps an app's endpoints, and loses none that others write at the same moment", async (store) => {
      assert.deepEqual([await store.webhooks.find("shop"), await Array.fromAsync(store.webhooks.list())], [[], []]);
      const failing = endpoint("b", { failingSince: T0, disabled: { at: T0 + 1, why: "failing" } });
      await put(store, "shop", failing);
      assert.deepEqual(await store.webhooks.find("shop"), [failing]);
      await Promise.all(["c", "d", "e"].map((one) => store.webhooks.change("shop", (before) => [...before, endpoint(one)])));
      await put(store, "bank", endpoint("z"));
      const listed = await Array.fromAsync(store.webhooks.list());
      assert.deepEqual(
        listed.map(({ app, endpoints }) => [app, endpoints.map((one) => one.name).sort()]),
        [
          ["bank", ["z"]],
          ["shop", ["b", "c", "d", "e"]],
        ],
      );
      await put(store, "shop");
      assert.deepEqual([await store.webhooks.find("shop"), (await Array.fromAsync(store.webhooks.list())).length], [[], 1]);
    });

    test("makes an event of each change of a user or an endpoint, for each active endpoint of the app", async (store) => {
      await change(store, userSubject("before"));
      await put(store, "shop", endpoint("a"), endpoint("b"), endpoint("off", { disabled: { at: T0, why: "gone" } }));
      await change(store, userSubject("u1"));
      await change(store, userSubject("u1"), T0 + 1);
      await change(store, endpointSubject("e1"), T0 + 2);
      await change(store, tombstoneSubject("hash"), T0 + 3);
      await change(store, userSubject("u1"), T0, "bank");
      for (const one of ["a", "b"]) assert.deepEqual(await due(store, one), ["user:u1/1/0", "user:u1/2/0", "endpoint:e1/1/0"]);
      assert.deepEqual(await due(store, "off"), []);
      const [event] = await store.webhooks.due("shop", "a", T0, 1);
      const [history] = await store.preferences.history("shop", userSubject("u1"), 2, 1);
      assert.deepEqual([event?.change, event?.endpoint, event?.due], [history, "a", T0]);
    });

    test("a change that is not applied makes no event", async (store) => {
      await put(store, "shop", endpoint("a"));
      assert.equal((await store.preferences.update("shop", userSubject("u1"), { ...changing([ads]), ifVersion: 7 }, T0)).outdated, true);
      assert.deepEqual(await due(store, "a"), []);
    });

    test("lists what is due now, the earliest first, and moves or ends one for one endpoint alone", async (store) => {
      await put(store, "shop", endpoint("a"), endpoint("b"));
      for (const [i, user] of ["u1", "u2", "u3"].entries()) await change(store, userSubject(user), T0 + 10 - i);
      assert.deepEqual(await due(store, "a", T0 + 7), []);
      assert.deepEqual(await due(store, "a", T0 + 9), ["user:u3/1/0", "user:u2/1/0"]);
      assert.deepEqual([await due(store, "a", T0 + 10, 1), await due(store, "a", T0 + 10, 0)], [["user:u3/1/0"], []]);
      const [first, second] = await store.webhooks.due("shop", "a", T0 + 10, 3);
      await store.webhooks.postpone(first!, { due: T0 + 50, tries: 1 });
      await store.webhooks.end(second!);
      assert.deepEqual(await due(store, "a", T0 + 49), ["user:u1/1/0"]);
      assert.deepEqual(await due(store, "a", T0 + 50), ["user:u1/1/0", "user:u3/1/1"]);
      assert.equal((await due(store, "b", T0 + 50)).length, 3);
      await store.webhooks.end(second!);
      await store.webhooks.postpone(second!, { due: T0, tries: 1 });
      assert.equal((await due(store, "a", T0 + 50)).length, 2, "what ended stays away");
    });

    test("forgets the events of an endpoint, and removes old ones up to a limit", async (store) => {
      await put(store, "shop", endpoint("a"), endpoint("b"));
      assert.equal(await store.webhooks.oldest(), undefined);
      for (const [i, user] of ["u1", "u2", "u3"].entries()) await change(store, userSubject(user), T0 + i);
      assert.equal(await store.webhooks.oldest(), T0);
      assert.deepEqual([await store.webhooks.forget("shop", "b"), await due(store, "b")], [3, []]);
      assert.equal(await store.webhooks.purge(T0 + 2, 0), 0);
      assert.deepEqual([await store.webhooks.purge(T0 + 2, 1), await store.webhooks.purge(T0 + 2, 5)], [1, 1]);
      assert.deepEqual([await due(store, "a"), await store.webhooks.oldest()], [["user:u3/1/0"], T0 + 2]);
    });

    test("with a subject's history or record goes what was not told of it, and nothing of others", async (store) => {
      await put(store, "shop", endpoint("a"));
      const subjects = ["u", "u1", "u10", 'u"', "v"].map(userSubject);
      for (const [i, subject] of subjects.entries()) await change(store, subject, T0 + i);
      await store.preferences.removeHistory("shop", userSubject("u1"));
      await store.preferences.remove("shop", userSubject("v"));
      assert.deepEqual(await due(store, "a"), ["user:u/1/0", "user:u10/1/0", 'user:u"/1/0']);
      await change(store, userSubject("u1"), T0 + 9);
      assert.deepEqual((await due(store, "a")).at(-1), "user:u1/2/0");
      assert.equal(await store.webhooks.recover(T0 + 1_000_000, 10), 0, "nothing was left half done");
    });
  });
}
