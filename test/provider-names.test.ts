// Adding a provider touches its folder, its sandbox folder and one line in each of the lists. Nothing else knows it by name.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CHANNELS } from "../core/delivery/channel.ts";
import { PROVIDERS } from "../providers/list.ts";
import { PROVIDER_NAMES } from "../sandbox/list.ts";

const root = join(import.meta.dirname, "..");

/** Where else a provider's name may stand, and why. */
const ALLOWED: readonly [where: RegExp, why: string][] = [
  [/^(providers|sandbox)\/list\.ts$|^providers\/previewers\.ts$/, "the lists"],
  [/^core\/content\/\w+-warnings\.ts$/, "what of a content one provider has nothing for"],
  [/^sandbox\/README\.md$/, "which recipients have a meaning, by provider"],
  [/^(README|CHANGELOG)\.md$|^docs\//, "what users read"],
  [/^examples\//, "what users copy"],
  [/^core\/preferences\/sms-words\.ts$/, "whose documentation the words are from"],
  [/^package(-lock)?\.json$/, "a provider's SDK"],
  [/^deploy\/|^scripts\/chart\//, "the chart's values name the Secrets of each provider"],
  [/\.test\.ts$|^test\//, "tests use real providers"],
  [/^proto\/|^core\/content\/|^providers\/content-fields\//, "overrides are named by provider, and what each field becomes there"],
  [/^providers\/email-outcome\.ts$/, "overrides of mails are named by provider"],
  [/^bench\//, "measures real providers"],
  [/^sandbox\/inbox\//, "reads and shows what each provider was asked to send, and orders its faults"],
  [/^(providers|sandbox)\/sendgrid\/webhooks?\.ts$/, "the names of SendGrid's signature headers begin with Twilio's"],
  [/^adapters\/sqlite\/schema\.ts$/, "an early migration named one, and migrations are never edited"],
];

interface Mention {
  path: string;
  provider: string;
}

/** Names that are the field's words too are found by their imports alone: apns is a channel as well as a provider, smtp a protocol. */
const WORDS: readonly string[] = [...CHANNELS, "smtp"];

function mentionsIn(path: string, text: string, names: readonly string[]): Mention[] {
  const own = /^(?:providers|sandbox)\/([^/]+)\//.exec(path)?.[1];
  const isNamed = (name: string) =>
    WORDS.includes(name) ? new RegExp(`["']\\.[./\\w-]*/(providers|sandbox)/${name}/`).test(text) : text.toLowerCase().includes(name);
  return names.filter((name) => name !== own && isNamed(name)).map((provider) => ({ path, provider }));
}

const names = PROVIDERS.map(({ name }) => name);
const EXCLUDED = ["node_modules", ".git", ".cache", "gen"];
const paths = globSync("**/*.{ts,mjs,md,json,jsonl,yaml,tpl,txt,proto}", { cwd: root, exclude: (name) => EXCLUDED.includes(name) });
const mentions = paths.flatMap((path) => mentionsIn(path, readFileSync(join(root, path), "utf8"), names));

test("a provider's name stands in its own folders, the lists, and where it is allowed for a reason", () => {
  assert.ok(paths.length > 500, `only ${paths.length} files were found`);
  assert.deepEqual(
    mentions.filter(({ path }) => !ALLOWED.some(([where]) => where.test(path))).map(({ path, provider }) => `${path}: ${provider}`),
    [],
  );
});

test("every exception is needed", () => {
  for (const [where, why] of ALLOWED)
    assert.ok(
      mentions.some(({ path }) => where.test(path)),
      why,
    );
});

test("notices a name, and the import of a provider that is named like its channel", () => {
  const found = (path: string, text: string) => mentionsIn(path, text, names).map(({ provider }) => provider);
  assert.deepEqual(found("core/a.ts", "// as Twilio wants it"), ["twilio"]);
  assert.deepEqual(found("providers/vonage/a.ts", "// unlike Twilio and Vonage"), ["twilio"]);
  assert.deepEqual(found("dispatchers/a.ts", 'import { apns } from "../providers/apns/index.ts";'), ["apns"]);
  assert.deepEqual(found("dispatchers/a.ts", 'const channel = "apns";'), []);
});

test("each provider has its folder, its simulation in the sandbox, and a README", () => {
  for (const name of names)
    for (const file of [`providers/${name}/index.ts`, `providers/${name}/README.md`, `sandbox/${name}/index.ts`])
      assert.ok(paths.includes(file), file);
  assert.deepEqual([...PROVIDER_NAMES].sort(), [...names].sort());
});
