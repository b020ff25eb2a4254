import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe } from "node:test";
import { openStore, StoreError } from "../../../adapters/store/open-store.ts";
import { ATTACHMENTS_BYTES_MAX } from "../../../core/content/email-faults.ts";
import type { StoredContent } from "../../../core/ports/content-store.ts";
import { richContent, richEmail } from "../content-samples.ts";
import { T0 } from "./samples.ts";
import type { StoreTest } from "./store-test.ts";

const sampleContent = (over: Partial<StoredContent> = {}): StoredContent => ({
  app: "shop",
  hash: randomBytes(32).toString("hex"),
  content: { email: { subject: "Your receipt", html: "<p>Thank you</p>", text: "" } },
  keepUntil: T0,
  ...over,
});

const largestAttachment = () => ({
  ...{ filename: "a.bin", contentType: "application/octet-stream" },
  base64: randomBytes(ATTACHMENTS_BYTES_MAX).toString("base64"),
});

const TRIES_MAX = 5;

/** Repeats a write until the store confirms it. */
async function confirmed(write: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await write();
      return;
    } catch (error) {
      if (!(error instanceof StoreError) || tries === TRIES_MAX) throw error;
    }
  }
}

export function describeContents(name: string, test: StoreTest): void {
  describe(`${name}: contents`, () => {
    test("returns every content unchanged, also large ones", async (store) => {
      const data = { "a.b": "1", $x: "$y", "": "", "ключ 🔔": "a\u0000b", ["__proto__"]: "p" };
      const contents = [
        sampleContent({ content: { push: { title: "$t", body: "line\nline", data } } }),
        sampleContent({ content: { sms: { text: "x".repeat(9_000) } } }),
        sampleContent({ content: { email: { subject: "s", html: "é".repeat(262_144), text: "" } } }),
        sampleContent({ content: richContent() }),
        sampleContent({ content: { email: richEmail({ attachments: [largestAttachment()] }) } }),
      ];
      await store.contents.put(contents);
      for (const { app, hash, content } of contents) assert.deepEqual(await store.contents.get(app, hash), content);
    });

    test("finds no missing content, and none of another app", async (store) => {
      const content = sampleContent();
      await store.contents.put([]);
      await store.contents.put([content]);
      assert.equal(await store.contents.get("shop", "0".repeat(64)), undefined);
      assert.equal(await store.contents.get("other", content.hash), undefined);
    });

    test("keeps one content however often it is put, and of each app its own", async (store) => {
      const content = sampleContent();
      await store.contents.put([content, content]);
      await store.contents.put([content, { ...content, app: "other" }]);
      assert.equal(await store.contents.purge(T0 + 1, 10), 2);
    });

    test("moves keepUntil forward with each use, never back", async (store) => {
      const content = sampleContent();
      await store.contents.put([content]);
      await store.contents.put([{ ...content, keepUntil: T0 + 100 }]);
      await store.contents.put([{ ...content, keepUntil: T0 + 50 }]);
      assert.equal(await store.contents.purge(T0 + 100, 10), 0);
      assert.deepEqual(await store.contents.get(content.app, content.hash), content.content);
      assert.equal(await store.contents.purge(T0 + 101, 10), 1);
      assert.equal(await store.contents.get(content.app, content.hash), undefined);
    });

    test("counts the latest keepUntil of equal contents within one call", async (store) => {
      const content = sampleContent();
      await store.contents.put([T0 + 10, T0 + 30, T0 + 20].map((keepUntil) => ({ ...content, keepUntil })));
      assert.equal(await store.contents.purge(T0 + 30, 10), 0);
      assert.equal(await store.contents.purge(T0 + 31, 10), 1);
    });

    test("purges what is older than a moment, up to a limit", async (store) => {
      const contents = [0, 1, 2, 3, 4].map((age) => sampleContent({ keepUntil: T0 - age }));
      await store.contents.put(contents);
      for (const none of [0, -1]) assert.equal(await store.contents.purge(T0 + 1, none), 0);
      assert.equal(await store.contents.purge(T0, 3), 3);
      assert.equal(await store.contents.purge(T0, 3), 1);
      assert.equal(await store.contents.purge(T0, 3), 0);
      const [newest] = contents;
      assert.deepEqual(await store.contents.get("shop", newest!.hash), newest!.content);
    });

    test("stores a content again after a purge", async (store) => {
      const content = sampleContent();
      await store.contents.put([content]);
      await store.contents.purge(T0 + 1, 1);
      await store.contents.put([content]);
      assert.deepEqual(await store.contents.get(content.app, content.hash), content.content);
    });

    test("never purges a content whose keepUntil moves forward at the same time", async (store, url) => {
      await using other = await openStore(url);
      for (let round = 0; round < 20; round++) {
        const contents = Array.from({ length: 10 }, () => sampleContent());
        await store.contents.put(contents);
        const kept = contents.map((content) => ({ ...content, keepUntil: T0 + 100 }));
        // A server may reject one of them to end a deadlock; what it confirms must hold.
        await Promise.all([
          confirmed(() => store.contents.put(kept)),
          confirmed(() => other.contents.purge(T0 + 1, 100)),
          confirmed(() => other.contents.put(kept)),
        ]);
        for (const { app, hash, content } of contents) assert.deepEqual(await store.contents.get(app, hash), content);
      }
    });
  });
}
