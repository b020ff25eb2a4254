// What a preview shows is what then arrives: each provider's request for a delivery, as previewed and as the sandbox received it.
import assert from "node:assert/strict";
import type { Content } from "../core/content/content.ts";
import { apnsKindOf } from "../core/content/push-content.ts";
import { webPushLacks } from "../core/content/webpush-payload.ts";
import type { Channel } from "../core/delivery/channel.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { OutboundDelivery } from "../core/ports/provider.ts";
import { systemClock } from "../runtime/clock.ts";
import { readConfig } from "../runtime/config.ts";
import type { LedgerEntry, Sandbox } from "../sandbox/main.ts";
import { sampleEmail, samplePush, sampleSms } from "../test/support/delivery-samples.ts";
import { freshTokenOf } from "../test/support/fresh.ts";
import { withSandbox } from "../test/support/with-sandbox.ts";
import { PUSH_ROWS } from "./content-fields/push.ts";
import { SMS_ROWS } from "./content-fields/sms.ts";
import { PROVIDERS } from "./list.ts";
import { PREVIEWERS } from "./previewers.ts";
import type { PreviewedRequest, RequestPreviewer } from "./request-preview.ts";

/** What the previews name in angle brackets, as the sandbox's accounts have it. */
const ACCOUNT = {
  ...{ EMAIL_FROM: "bells@carillon.dev", EMAIL_FROM_NAME: "", EMAIL_FROM_ALLOWED: "@carillon.dev" },
  ...{ TWILIO_SENDERS: "orders=+15005550006", VONAGE_SENDERS: "orders=Shop", WEBPUSH_APP_ORIGIN: "https://shop.example" },
};
/** The moment of all sends and previews. */
const NOW = Date.now();
const clock = { ...systemClock, now: () => NOW };

const FILE = { filename: "menu.pdf", contentType: "application/pdf", base64: Buffer.alloc(3_000, "pdf").toString("base64") };
const RICH_MAIL: Content = {
  email: {
    ...{ subject: "Ihr Tisch „Süd“", html: "<p>Grüße <img src='cid:logo'></p>", text: "", preheader: "am Freitag" },
    ...{ from: { address: "tables@carillon.dev", name: "Tische" }, replyTo: [{ address: "reply@carillon.dev" }] },
    ...{ cc: [{ address: "bo@example.org", name: "Bo" }], headers: { "X-Order": "17" }, tags: ["orders"] },
    attachments: [FILE, { filename: "l.png", contentType: "image/png", base64: "iVBORw0KGgo=", contentId: "logo" }],
    calendar: { method: "REQUEST", ics: "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n" },
    overrides: { sendgrid: { ip_pool_name: "orders" }, mandrill: { message: { subaccount: "shop" } } },
  },
};
const contentsFor = (channel: Channel): readonly (readonly [what: string, content: Content])[] => {
  if (channel === "sms") return SMS_ROWS.map(({ field, content }) => [field, content]);
  if (channel === "email")
    return [
      ["a plain mail", { email: { subject: "Hi", html: "", text: "there" } }],
      ["a rich mail", RICH_MAIL],
      ["a mail with a link to unsubscribe", { email: { subject: "Hi", html: "<p>there</p>", text: "there", unsubscribe: "one-click" } }],
    ];
  const isSent = ({ push }: Content) =>
    push !== undefined &&
    (channel === "apns" || apnsKindOf(push) === undefined) &&
    (channel !== "webpush" || webPushLacks(push) === undefined);
  return PUSH_ROWS.filter(({ content }) => isSent(content)).map(({ field, content }) => [field, content]);
};

function deliveryOf(channel: Channel, content: Content, sandbox: Sandbox): OutboundDelivery {
  const times = { expiresAt: NOW + 3_600_000 };
  if (channel === "sms") return { ...sampleSms(), content, ...times };
  const unsubscribeUrl = content.email?.unsubscribe && "https://hooks.example/u/token";
  if (channel === "email") return { ...sampleEmail(), content, ...times, unsubscribeUrl };
  const kind = content.push && apnsKindOf(content.push);
  const endpoints: Record<string, Endpoint> = {
    apns: kind === undefined ? { channel: "apns", token: "5a".repeat(32) } : freshTokenOf(kind),
    fcm: { channel: "fcm", token: "device:1" },
    webpush: { channel: "webpush", ...sandbox.webPushSubscription("browser-1") },
  };
  return samplePush(endpoints[channel]!, { content, ...times, collapseKey: "dinner", ttlSeconds: 600 });
}

/** With the account's values, without boundaries, which are random. */
const filled = (text: string, env: Record<string, string | undefined>) =>
  text
    .replaceAll("EMAIL_FROM@account.invalid", ACCOUNT.EMAIL_FROM)
    .replaceAll("account.invalid", "carillon.dev")
    .replaceAll("https://webpush-app-origin.invalid", ACCOUNT.WEBPUSH_APP_ORIGIN)
    .replaceAll("<TWILIO_SENDERS orders>", "+15005550006")
    .replaceAll("<VONAGE_SENDERS orders>", "Shop")
    .replaceAll(/<([A-Z_]+)>/g, (placeholder, name: string) => env[name]?.split(",")[0] ?? placeholder)
    .replaceAll(/--_NmP-[0-9a-f]+-/g, "--boundary-");

/** Files as a preview shows them. */
const withoutFiles = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (key, item: unknown) =>
    key === "content" && typeof item === "string" ? `<${item.length} characters of base64>` : item,
  );
const FILE_LINES = /((?:^|\r\n)Content-Disposition: [^\r]+\r\n\r\n)([A-Za-z0-9+/=\r\n]+?)(?=\r\n--)/g;

function previewed({ provider }: RequestPreviewer, { form, body }: PreviewedRequest, env: Record<string, string | undefined>): unknown {
  if (form === "mime") return filled(body, env);
  if (form === "json") {
    const { key: _key, ...json } = JSON.parse(filled(body, env)) as Record<string, unknown>;
    return json;
  }
  const fields = Object.fromEntries(new URLSearchParams(body).entries().map(([name, value]) => [name, filled(value, env)]));
  assert.equal(provider, "twilio");
  return withoutCallback(fields);
}
const withoutCallback = ({ StatusCallback: _callback, ...fields }: Record<string, unknown>) => fields;

function arrived({ provider, payload }: LedgerEntry): unknown {
  const fields = payload as Record<string, unknown>;
  if (provider === "smtp")
    return filled(String(fields.raw), {}).replace(
      FILE_LINES,
      (_all, head: string, lines: string) => `${head}<${lines.replaceAll("\r\n", "").length} characters of base64>`,
    );
  return provider === "twilio" ? withoutCallback(fields) : withoutFiles(fields);
}

withSandbox("a request as previewed and as received", (test) => {
  for (const previewer of PREVIEWERS)
    test(`is the same at ${previewer.provider}`, async (sandbox) => {
      const env = { ...sandbox.env, ...ACCOUNT };
      const { load, variables } = PROVIDERS.find(({ name }) => name === previewer.provider)!;
      await using provider = (await load())(readConfig(variables, env), { clock, attribute: async () => false });
      let compared = 0;
      for (const [what, content] of contentsFor(previewer.channel)) {
        const delivery = deliveryOf(previewer.channel, content, sandbox);
        const request = await previewer.build(delivery, NOW);
        assert.ok(typeof request !== "string", what);
        const outcome = await provider.send(delivery, AbortSignal.timeout(60_000));
        const [entry] = sandbox.ledger.entries({ deliveryId: delivery.deliveryId });
        // Whether a sender can carry something only its account knows.
        const isOfSender = outcome.kind === "rejected" && outcome.reason === "registration-not-supported";
        if (isOfSender || previewer.lacks?.(delivery) !== undefined) {
          assert.deepEqual([outcome.kind, entry], ["rejected", undefined], what);
          continue;
        }
        assert.equal(outcome.kind, "accepted", `${what}: ${JSON.stringify(outcome)}`);
        assert.deepEqual(previewed(previewer, request, env), arrived(entry!), what);
        for (const [name, value] of Object.entries(request.headers))
          if (name !== "authorization") assert.equal(entry!.headers[name], filled(value, env), `${what}: ${name}`);
        compared++;
      }
      assert.ok(compared >= 2);
    });

  test("every provider has one, of its channel", async () => {
    assert.deepEqual(
      PREVIEWERS.map(({ provider, channel }) => [provider, channel]),
      PROVIDERS.map(({ name, channel }) => [name, channel]),
    );
  });
});
