import assert from "node:assert/strict";
import { describe } from "node:test";
import { openStore } from "../../../adapters/store/open-store.ts";
import type { CapPlace } from "../../../core/ports/cap-store.ts";
import { hexId, T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const HOUR_MS = 3_600_000;

const samplePlace = (over: Partial<CapPlace> = {}): CapPlace => ({
  ...{ app: "shop", subject: "user:u1", category: "offers", max: 2, notificationId: hexId() },
  window: { from: T0, until: T0 + HOUR_MS },
  ...over,
});

const CONCURRENT = 50;

export function describeCaps(name: string, test: StoreTest): void {
  describe(`${name}: frequency caps`, () => {
    test("gives as many places as a window has, and no more", async (store) => {
      assert.deepEqual(await store.caps.take([]), []);
      const places = [samplePlace(), samplePlace(), samplePlace()];
      for (const [i, place] of places.entries()) assert.deepEqual(await store.caps.take([place]), [i < 2], `place ${i}`);
    });

    test("gives one place however often it is taken, also where the window is full or has fewer places by now", async (store) => {
      const [first, second] = [samplePlace(), samplePlace()];
      for (const place of [first, first, second, second, first]) assert.deepEqual(await store.caps.take([place]), [true]);
      assert.deepEqual(await store.caps.take([{ ...first, max: 1 }, { ...second, max: 1 }, samplePlace({ max: 1 })]), [true, true, false]);
    });

    test("gives more places once a window has more", async (store) => {
      assert.deepEqual(await store.caps.take([samplePlace({ max: 1 }), samplePlace({ max: 1 })]), [true, false]);
      assert.deepEqual(await store.caps.take([samplePlace({ max: 3 }), samplePlace({ max: 3 }), samplePlace({ max: 3 })]), [
        true,
        true,
        false,
      ]);
    });

    test("counts within one call in its order, in as many windows as it names", async (store) => {
      const [a, b] = [samplePlace(), samplePlace()];
      const other = samplePlace({ subject: "user:u2" });
      assert.deepEqual(await store.caps.take([a, other, b, a, samplePlace(), samplePlace({ subject: "user:u2" }), b]), [
        ...[true, true, true, true],
        ...[false, true, true],
      ]);
    });

    test("counts each app, subject, category, window and length apart", async (store) => {
      const apart: Partial<CapPlace>[] = [
        {},
        { app: "other" },
        { subject: "endpoint:u1" },
        { category: "news" },
        { window: { from: T0 + HOUR_MS, until: T0 + 2 * HOUR_MS } },
        { window: { from: T0, until: T0 + 2 * HOUR_MS } },
      ];
      const places = apart.map((over) => samplePlace({ max: 1, ...over }));
      assert.deepEqual(
        await store.caps.take(places),
        places.map(() => true),
      );
      assert.deepEqual(
        await store.caps.take(places.map((place) => ({ ...place, notificationId: hexId() }))),
        places.map(() => false),
      );
    });

    test(`gives exactly the places of a window to ${CONCURRENT} concurrent callers of two processes, also when each asks twice`, async (store, url) => {
      await using other = await openStore(url);
      for (const max of [1, 7]) {
        const places = Array.from({ length: CONCURRENT }, () => samplePlace({ max, subject: `user:${max}` }));
        const takeAll = () => Promise.all(places.map(async (place, i) => (await (i % 2 ? store : other).caps.take([place]))[0]!));
        const [once, again] = await Promise.all([takeAll(), takeAll()]);
        const granted = once.map((given, i) => given || again[i]!);
        assert.equal(granted.filter(Boolean).length, max);
        assert.deepEqual(await takeAll(), granted);
      }
    });

    test("purges windows that ended before a moment, the earliest first and up to a limit", async (store) => {
      const places = [4, 3, 2, 1, 0].map((i) => samplePlace({ max: 1, window: { from: T0 + i - HOUR_MS, until: T0 + i } }));
      await store.caps.take(places);
      for (const none of [0, -1]) assert.equal(await store.caps.purge(T0 + 10, none), 0);
      assert.equal(await store.caps.purge(T0 + 4, 3), 3);
      assert.equal(await store.caps.purge(T0 + 4, 3), 1);
      assert.equal(await store.caps.purge(T0 + 4, 3), 0);
      const again = await store.caps.take(places.map((place) => ({ ...place, notificationId: hexId() })));
      assert.deepEqual(again, [false, true, true, true, true]);
    });
  });
}
