import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PROVIDERS } from "./list.ts";

const inBackticks = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

/** Event → kind, as a provider's README says. */
function documentedEvents(readme: string): Record<string, string> {
  const [, body = ""] = readme.split("| event | receipt |\n| --- | --- |\n");
  const rows = body.split("\n\n", 1)[0]!.split("\n");
  return Object.fromEntries(
    rows.flatMap((row) => inBackticks(row.split("|")[1]!).map((event) => [event, inBackticks(row.split("|")[2]!)[0]!])),
  );
}

for (const { name, webhook, bounces } of PROVIDERS) {
  const readme = readFileSync(new URL(`${name}/README.md`, import.meta.url), "utf8");
  if (webhook)
    test(`the README of ${name} lists each event with the receipt it becomes, and the variable of its secret`, () => {
      assert.deepEqual(documentedEvents(readme), { ...webhook.reader.events });
      assert.ok(readme.includes(`\`${webhook.secret}\``));
    });
  else if (bounces)
    test(`the README of ${name} lists each action that is reported with the receipt it becomes, and the variable of its domain`, () => {
      assert.deepEqual(documentedEvents(readme), { ...bounces.reader.events });
      assert.ok(readme.includes(`\`${bounces.domain}\``));
    });
  else
    test(`the README of ${name} documents no events`, () => {
      assert.doesNotMatch(readme, /\| receipt \|/);
    });
}
