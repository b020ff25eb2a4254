import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../runtime/logger.ts";
import { openStore } from "../store/open-store.ts";
import { withAuditLines } from "./audit-line.ts";

test("each stored change is a line without the subject, who made it and what proves it; one that is not applied is none", async () => {
  await using store = await openStore("sqlite::memory:");
  const lines: string[] = [];
  const audited = withAuditLines(store.preferences, createLogger("test", "info", { write: (line) => void lines.push(line) }));
  const block = [{ kind: "bounce", reason: "550 ada@example.com", source: "smtp", at: 1 } as const];
  const origin = { actor: "ann", source: "erasure", evidence: "letter of ada" };
  await audited.update("shop", "endpoint:0f0f0f", { block, origin }, 1);
  await audited.update("shop", "endpoint:0f0f0f", { lift: block, origin, ifVersion: 7 }, 2);
  assert.equal(lines.length, 1);
  const { msg, app, version, source, blocksAfter } = JSON.parse(lines[0]!);
  assert.deepEqual([msg, app, version, source, blocksAfter], ["preferences changed", "shop", 1, "erasure", ["bounce"]]);
  assert.doesNotMatch(lines[0]!, /0f0f0f|ann|ada|letter/);
  assert.equal((await audited.history("shop", "endpoint:0f0f0f", 9, 9)).length, 1, "everything else is as it was");
});
