import assert from "node:assert/strict";
import { test } from "node:test";
import { ADA, ASKED, insert, MAIL, now, TOKEN, withAda } from "../../test/support/erasable-user.ts";
import { hexId, sampleNotification, T0 } from "../../test/support/store/samples.ts";
import { exportUser } from "./export-user.ts";

test("an export has everything of the user, with endpoints masked unless they are asked for", async () => {
  await using world = await withAda();
  const { store } = world;
  const hash = hexId() + hexId();
  await store.contents.put([{ app: "shop", hash, content: { email: { subject: "large", html: "", text: "part" } }, keepUntil: now }]);
  await insert(store, sampleNotification([T0], { recipient: { kind: "user", userId: ADA }, contentHashes: { email: hash } }));
  const documents = await Array.fromAsync(exportUser(store, ASKED));
  const counts = Object.entries(Object.groupBy(documents, ({ kind }) => kind)).map(([kind, of]) => [kind, of?.length]);
  assert.deepEqual(Object.fromEntries(counts), {
    ...{ profile: 1, endpoint: 3, preferences: 2, "preference-change": 3, notification: 121, attempt: 109 },
  });
  const text = JSON.stringify(documents.filter(({ kind }) => kind !== "preference-change" && kind !== "preferences"));
  for (const secret of [MAIL.address, TOKEN.token]) assert.equal(text.includes(secret), false, secret);
  for (const shown of ["Your code is 731", "large", "Europe/London"]) assert.ok(text.includes(shown), shown);
  const clear = JSON.stringify(await Array.fromAsync(exportUser(store, ASKED, (endpoint) => endpoint)));
  for (const secret of [MAIL.address, TOKEN.token]) assert.ok(clear.includes(secret), secret);
  assert.equal(clear.includes("charles"), false);
});
