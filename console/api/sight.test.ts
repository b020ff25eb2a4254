import assert from "node:assert/strict";
import { test } from "node:test";
import { actorFor, appText, orderFor, userFor } from "./sight.ts";

const [viewer, support] = [{ name: "ada", role: "viewer" } as const, { name: "ada", role: "support" } as const];

test("a viewer recognises a colleague by a masked address; a program and a login name are shown as they are", () => {
  for (const [actor, shown] of [
    ["mira.olsson@company.example", "m…@company.example"],
    ["carillon", "carillon"],
    ["uid 1000", "uid 1000"],
    ["Mira <mira@company.example>", "Mira <…>"],
    ["+447700900123", "…"],
  ] as const) {
    assert.equal(actorFor(viewer, actor), shown);
    assert.equal(actorFor(support, actor), actor);
  }
});

test("a reason is shown to everybody without addresses; the name in a result to those who see the actor", () => {
  const order = {
    actor: "otto@company.example",
    reason: "asked by hana@example.com",
    result: "stopped by otto@company.example: 1 redriven",
  };
  assert.deepEqual(orderFor(viewer, order), { actor: "o…@company.example", reason: "asked by …", result: "stopped by …: 1 redriven" });
  assert.deepEqual(orderFor(support, order), { ...order, reason: "asked by …" });
});

test("of an app's tags a viewer sees no number and no user, others all but the person's own endpoints", () => {
  const about = { userId: "hana-kim", endpoints: [{ channel: "sms", phoneNumber: "+821055501017" }] } as const;
  const tags = ["order=2026100455", "from=010-5550-1017", "by=hana-kim"];
  assert.deepEqual(
    tags.map((tag) => appText(viewer, tag, about)),
    ["order=…", "from=…", "by=ha…"],
  );
  assert.deepEqual(
    tags.map((tag) => appText(support, tag, about)),
    ["order=2026100455", "from=…", "by=hana-kim"],
  );
  assert.deepEqual([userFor(viewer, "hana-kim"), userFor(support, "hana-kim"), userFor(viewer, "")], ["ha…", "hana-kim", ""]);
});
