import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** What somebody did to solve an incident, counted; and what happened meanwhile, which is no step of theirs. */
export interface Steps {
  /** @param seen what it showed, in words */
  step(what: string, seen?: string): void;
  /** Something that happens by itself, or elsewhere. */
  event(what: string, seen?: string): void;
  /** As a page shows it. */
  table(): string;
}

export function createSteps(): Steps {
  const rows: { number: string; what: string; seen: string }[] = [];
  let count = 0;
  return {
    step(what, seen = "") {
      count += 1;
      rows.push({ number: `${count}`, what, seen });
    },
    event: (what, seen = "") => void rows.push({ number: "", what: `*${what}*`, seen }),
    table: () =>
      [`**${count} steps.**`, "", "| | do | what you see |", "| ---: | --- | --- |"]
        .concat(rows.map(({ number, what, seen }) => `| ${number} | ${what} | ${seen} |`))
        .join("\n"),
  };
}

/** A page's table of steps, between <!-- steps: NAME --> and <!-- end -->, is what was done. When it differs, the message is what the page should say. */
export function assertShown(page: URL, name: string, steps: Steps): void {
  const text = readFileSync(page, "utf8");
  const [, shown = ""] = new RegExp(`<!-- steps: ${name} -->\\n([\\s\\S]*?)\\n<!-- end -->`).exec(text) ?? [];
  const table = steps.table();
  assert.ok(shown === table, `${page.pathname} does not say what was done; it should say:\n\n${table}\n`);
}
