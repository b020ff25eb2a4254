import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Outcome, OutcomeKind } from "../../core/delivery/outcome.ts";

const KINDS: Record<OutcomeKind, true> = {
  accepted: true,
  throttled: true,
  unavailable: true,
  unanswered: true,
  "endpoint-gone": true,
  rejected: true,
  misconfigured: true,
};

interface ReadmeTable {
  readme: URL;
  /** The head of the table's first column; the second one's is "outcome". */
  provider: string;
  /** Every code the adapter lists. */
  codes: readonly string[];
  /** The outcomes of every answer with that code. */
  outcomesOf: (code: string) => readonly Outcome[];
}

/**
 * Keeps the table of answers in a README equal to the adapter's own: the same codes, and for each the same kinds of outcome. Codes and
 * kinds are in backticks; rows without a code describe answers that no provider lists.
 */
export function testReadmeTable({ readme, provider, codes, outcomesOf }: ReadmeTable): void {
  test(`the README lists each code of ${provider} with the outcome it has`, () => {
    const written = readTable(readFileSync(readme, "utf8"), provider);
    assert.deepEqual([...written.keys()].sort(), [...codes].sort());
    for (const code of codes) {
      const kinds = new Set(outcomesOf(code).map((o) => o.kind));
      assert.deepEqual([...written.get(code)!].sort(), [...kinds].sort(), code);
    }
  });
}

/** Code → kinds. A code may have several rows. */
function readTable(markdown: string, provider: string): Map<string, Set<string>> {
  const [, body = ""] = markdown.split(`| ${provider} | outcome |\n| --- | --- |\n`);
  const rows = body.slice(0, `${body}\n\n`.search(/^(?!\|)/m)).split("\n");
  const table = new Map<string, Set<string>>();
  for (const [, answers = "", outcome = ""] of rows.map((row) => row.split("|")))
    for (const code of inBackticks(answers)) {
      const kinds = inBackticks(outcome).filter((word) => word in KINDS);
      table.set(code, (table.get(code) ?? new Set()).union(new Set(kinds)));
    }
  return table;
}

const inBackticks = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
