import assert from "node:assert/strict";
import { test } from "node:test";
import PostalMime from "postal-mime";
import { type EmailContent, RICH_EMAIL_FIELDS } from "../../core/content/email-content.ts";
import { emailFaults } from "../../core/content/email-faults.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import { sampleEmail } from "../../test/support/delivery-samples.ts";
import { withSandbox } from "../../test/support/with-sandbox.ts";
import type { ProviderDefinition } from "../definition.ts";
import { mandrill } from "../mandrill/index.ts";
import { sendgrid } from "../sendgrid/index.ts";
import { smtp } from "../smtp/index.ts";
import { arrivedAt, valueAt } from "./arrived.ts";
import { EMAIL_ROWS, type EmailProvider, LINK } from "./email.ts";
import { placesOf } from "./row.ts";

const DEFINITIONS: Readonly<Record<EmailProvider, ProviderDefinition>> = { sendgrid, mandrill, smtp };

/** A mail at the simulated relay, as a mail program reads it. */
async function parsed(payload: unknown): Promise<object> {
  const { raw, mailFrom, rcptTo } = payload as { raw: string; mailFrom: string; rcptTo: string };
  const { text = "", html = "", attachments } = await PostalMime.parse(raw, { attachmentEncoding: "base64" });
  return {
    ...{ envelope: { from: mailFrom, to: rcptTo }, text: text.trimEnd(), html: html.trimEnd() },
    attachments: attachments.map(({ mimeType: type, contentId = "", ...rest }) => ({ ...rest, type, contentId: contentId.slice(1, -1) })),
  };
}

async function sent(sandbox: Sandbox, name: EmailProvider, content: EmailContent): Promise<unknown> {
  const { load, variables } = DEFINITIONS[name];
  await using provider = (await load())(readConfig(variables, sandbox.env), { clock: systemClock, attribute: async () => false });
  const delivery = sampleEmail({ content });
  const linked = content.unsubscribe === "one-click" ? { ...delivery, unsubscribeUrl: LINK } : delivery;
  const outcome = await provider.send(linked, AbortSignal.timeout(60_000));
  assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
  const [entry] = sandbox.ledger.entries({ deliveryId: delivery.deliveryId, provider: name });
  assert.ok(entry);
  return arrivedAt(name === "smtp" ? { ...entry, payload: await parsed(entry.payload) } : entry);
}

withSandbox("fields of a mail", (test) => {
  for (const { field, content, arrives } of EMAIL_ROWS)
    test(`${field} arrives where the table says`, async (sandbox) => {
      assert.deepEqual(emailFaults(content.email!), []);
      for (const [name, arrival] of Object.entries(arrives) as [EmailProvider, (typeof arrives)[EmailProvider]][]) {
        if ("not" in arrival) continue;
        const arrived = await sent(sandbox, name, content.email!);
        for (const { path, value } of placesOf(arrival)) assert.deepEqual(valueAt(arrived, path), value, `${name} ${path}`);
      }
    });
});

test("the table has every field of the contract", () => {
  const named = new Set(EMAIL_ROWS.map(({ field }) => field.replace(/ \(.*/, "")));
  const fields = ["subject", "html", "text", ...RICH_EMAIL_FIELDS].map((name) => name.replaceAll(/[A-Z]/g, (l) => `_${l.toLowerCase()}`));
  assert.deepEqual([...named].sort(), fields.sort());
});
