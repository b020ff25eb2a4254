import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MANDRILL_EVENTS } from "../providers/mandrill/webhook.ts";
import { SENDGRID_EVENTS } from "../providers/sendgrid/webhook.ts";
import { TWILIO_EVENTS } from "../providers/twilio/webhook.ts";
import { VONAGE_EVENTS } from "../providers/vonage/webhook.ts";

const README = readFileSync(new URL("README.md", import.meta.url), "utf8");
const TABLES = { Twilio: TWILIO_EVENTS, Vonage: VONAGE_EVENTS, SendGrid: SENDGRID_EVENTS, Mandrill: MANDRILL_EVENTS };

const inBackticks = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

/** Event → kind, as the provider's table says. */
function written(provider: string): Record<string, string> {
  const [, body = ""] = README.split(`| ${provider} | receipt |\n| --- | --- |\n`);
  const rows = body.split("\n\n", 1)[0]!.split("\n");
  return Object.fromEntries(
    rows.flatMap((row) => inBackticks(row.split("|")[1]!).map((event) => [event, inBackticks(row.split("|")[2]!)[0]!])),
  );
}

for (const [provider, events] of Object.entries(TABLES))
  test(`the README lists each event of ${provider} with the receipt it becomes`, () => {
    assert.deepEqual(written(provider), { ...events });
  });
