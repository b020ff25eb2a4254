import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Profile } from "../../../core/preferences/profile.ts";
import { T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

export function describeProfiles(name: string, test: StoreTest): void {
  describe(`${name}: profiles`, () => {
    const profile: Profile = {
      ...{ locale: "pt-BR", timeZone: "Asia/Seoul", tenant: "acme" },
      quietHours: { fromMinute: 1_320, untilMinute: 0 },
    };

    test("are put, replaced as a whole, and removed, one version each", async (store) => {
      const first = await store.profiles.put("shop", "u1", profile, T0);
      assert.deepEqual(first, { app: "shop", userId: "u1", profile, version: 1, updatedAt: T0 });
      const second = await store.profiles.put("shop", "u1", { locale: "ko" }, T0 + 1);
      assert.deepEqual(second, { app: "shop", userId: "u1", profile: { locale: "ko" }, version: 2, updatedAt: T0 + 1 });
      assert.deepEqual(await store.profiles.find("shop", ["u1"]), [second]);
      assert.deepEqual([await store.profiles.remove("shop", "u1"), await store.profiles.remove("shop", "u1")], [true, false]);
      assert.deepEqual(await store.profiles.find("shop", ["u1"]), []);
    });

    test("are removed by their version only where they were not put again since", async (store) => {
      const { version } = await store.profiles.put("shop", "u1", profile, T0);
      const put = await store.profiles.put("shop", "u1", { locale: "ko" }, T0 + 1);
      assert.equal(await store.profiles.remove("shop", "u1", version), false);
      assert.deepEqual(await store.profiles.find("shop", ["u1"]), [put]);
      assert.deepEqual([await store.profiles.remove("shop", "u1", put.version), await store.profiles.find("shop", ["u1"])], [true, []]);
    });

    test("are found by user within their app, whatever the names", async (store) => {
      const users = ["u1", 'u$a.b"', "ü"];
      for (const userId of users) await store.profiles.put("shop", userId, {}, T0);
      await store.profiles.put("bank", "u1", profile, T0);
      const found = await store.profiles.find("shop", [...users, "none", "u1"]);
      assert.deepEqual(found.map(({ userId }) => userId).sort(), [...users].sort());
      assert.ok(found.every(({ app, profile: own }) => app === "shop" && Object.keys(own).length === 0));
      assert.deepEqual(await store.profiles.find("shop", []), []);
    });

    test("lose no change when several put one at the same moment", async (store) => {
      const put = await Promise.all(Array.from({ length: 10 }, (_, i) => store.profiles.put("shop", "u1", { locale: `x-${i}` }, T0 + i)));
      assert.deepEqual(
        put.map(({ version }) => version).sort((a, b) => a - b),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      );
      const last = put.find(({ version }) => version === put.length);
      assert.deepEqual(await store.profiles.find("shop", ["u1"]), [last]);
    });
  });
}
