import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { distinctContents, type Insertion } from "./large-content.ts";

const insertion = (...contents: Insertion["contents"]): Insertion => ({ record: sampleNotification("n", 0), contents });
const content = { email: { subject: "s", html: "", text: "t" } };

test("a content that a batch carries several times is stored once, for as long as any of them needs it", () => {
  const stored = (app: string, hash: string, keepUntil: number) => ({ app, hash, content, keepUntil });
  const batch = [
    insertion(stored("shop", "a", 2), stored("shop", "b", 1)),
    insertion(stored("shop", "a", 3)),
    insertion(stored("bank", "a", 1)),
    insertion(),
  ];
  assert.deepEqual(distinctContents(batch), [stored("shop", "a", 3), stored("shop", "b", 1), stored("bank", "a", 1)]);
  assert.deepEqual(distinctContents([...batch].reverse()).find(({ app, hash }) => app === "shop" && hash === "a")?.keepUntil, 3);
});
