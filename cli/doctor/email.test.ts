// Mails that went through a relay which signs them, as a provider does.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, test } from "node:test";
import DKIM from "nodemailer/lib/dkim";
import { SMTPServer } from "smtp-server";
import type { EmailContent } from "../../core/content/email-content.ts";
import { smtp } from "../../providers/smtp/index.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { sampleEmail } from "../../test/support/delivery-samples.ts";
import { runDoctorEmail } from "./email.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const PRIVATE = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const PUBLIC = publicKey.export({ type: "spki", format: "der" }).toString("base64");

interface Signing {
  domain?: string;
  /** Names in h=; absent: the signer's own. */
  headers?: string;
}
/** How the relay signs the next mail; undefined: not at all. */
let signing: Signing | undefined = {};
let received: Buffer = Buffer.alloc(0);

const relay = new SMTPServer({
  authOptional: true,
  disabledCommands: ["STARTTLS", "AUTH"],
  onData(stream, _session, done) {
    void Array.fromAsync(stream as AsyncIterable<Buffer>).then(async (chunks) => {
      received = await signed(Buffer.concat(chunks));
      done();
    }, done);
  },
});
before(async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  relay.listen(0, "127.0.0.1", resolve);
  await promise;
});
after(() => new Promise<void>((resolve) => relay.close(resolve)));

async function signed(message: Buffer): Promise<Buffer> {
  if (signing === undefined) return message;
  const { domain = "carillon.dev", headers } = signing;
  const signer = new DKIM({ domainName: domain, keySelector: "mail", privateKey: PRIVATE, ...(headers && { headerFieldNames: headers }) });
  return Buffer.concat(await Array.fromAsync(signer.sign(message) as AsyncIterable<Buffer>));
}

/** As long as one with a long user id. */
const URL = `https://hooks.example.com/u/v1.abcdefgh.${"sealed-token".repeat(40)}.tag`;
const NEWSLETTER: Partial<EmailContent> = { subject: "Neues für Jörg", html: "<p>Grüße</p>", text: "Grüße" };

/** A mail as it arrives behind the relay. */
async function arriving(over: { content?: Partial<EmailContent>; link?: boolean; by?: Signing | undefined } = {}): Promise<Buffer> {
  signing = "by" in over ? over.by : {};
  const { port } = relay.server.address() as { port: number };
  const env = { EMAIL_FROM: "news@carillon.dev", SMTP_HOST: "127.0.0.1", SMTP_PORT: String(port), SMTP_SECURITY: "none" };
  await using provider = (await smtp.load())(readConfig(smtp.variables, env), { clock: systemClock, attribute: async () => false });
  const delivery = sampleEmail({ content: { ...NEWSLETTER, ...over.content } });
  const outcome = await provider.send(
    { ...delivery, ...(over.link === false ? {} : { unsubscribeUrl: URL }) },
    AbortSignal.timeout(60_000),
  );
  assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
  return received;
}

async function judged(message: Buffer, key = PUBLIC): Promise<{ status: number; lines: string[] }> {
  const lines: string[] = [];
  const resolver = async (name: string, type: string) => {
    if (type === "TXT" && /^mail\._domainkey\./.test(name) && key !== "") return [[`v=DKIM1; k=rsa; p=${key}`]];
    throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
  };
  return { status: await runDoctorEmail(message, { resolver, print: (text) => void lines.push(text) }), lines };
}

test("a mail with a link, signed by a relay for its sender's domain, is right in all", async () => {
  const { status, lines } = await judged(await arriving());
  assert.deepEqual(
    lines.map((line) => line.trim().replaceAll(/ {2,}/g, " ")),
    [
      `ok List-Unsubscribe <${URL}>`,
      "ok List-Unsubscribe-Post List-Unsubscribe=One-Click",
      "ok List-Id <receipt.shop.carillon.dev>",
      "ok link in the body is the one of the header",
      "ok DKIM d=carillon.dev s=mail is valid, aligned with From, and covers both headers",
      "One-click unsubscribe works by this mail.",
    ],
  );
  assert.equal(status, 0);
});

const ONLY_URI = "From:To:Subject:Date:Message-ID:List-Unsubscribe";
const WRONG: readonly (readonly [what: string, mail: Parameters<typeof arriving>[0], says: RegExp])[] = [
  ["no signature", { by: undefined }, /bad +DKIM +there is no signature/],
  [
    "a signature without List-Unsubscribe-Post",
    { by: { headers: ONLY_URI } },
    /note +DKIM d=carillon\.dev s=mail +h= lacks list-unsubscribe-post$/m,
  ],
  ["another organization's signature", { by: { domain: "relay.example" } }, /note .*d= is another organization's domain than From/],
  ["no headers", { link: false }, /bad +List-Unsubscribe +is missing[\s\S]*bad +List-Unsubscribe-Post +is missing/],
  [
    "a mailto alone",
    { link: false, content: { headers: { "List-Unsubscribe": "<mailto:leave@carillon.dev>" } } },
    /bad +List-Unsubscribe +has no https URI/,
  ],
];
for (const [what, mail, says] of WRONG)
  test(`${what} is named, and the exit status is 1`, async () => {
    const { status, lines } = await judged(await arriving(mail));
    assert.match(lines.join("\n"), says);
    assert.equal(status, 1);
  });

test("a signature of a subdomain of the sender's organization is aligned", async () => {
  assert.equal((await judged(await arriving({ by: { domain: "em.carillon.dev" } }))).status, 0);
});

test("a mail that was changed after it was signed is not valid", async () => {
  const message = await arriving();
  const changed = Buffer.from(message.toString("latin1").replace("Subject: ", "Subject: Re: "), "latin1");
  const { status, lines } = await judged(changed);
  assert.match(lines.join("\n"), /note +DKIM d=carillon\.dev s=mail +is not valid: fail/);
  assert.equal(status, 1);
});

test("a key that is not published is said to be missing", async () => {
  const { status, lines } = await judged(await arriving(), "");
  assert.match(lines.join("\n"), /cannot be verified/);
  assert.equal(status, 1);
});

test("what is no mail is judged, too", async () => {
  for (const bytes of ["", "\0\x01\x02", "From: a\r\nFrom: b\r\n\r\n"]) assert.equal((await judged(Buffer.from(bytes))).status, 1);
});
