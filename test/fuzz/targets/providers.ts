// What providers report: webhooks and bounces.
import assert from "node:assert/strict";
import { PROVIDERS } from "../../../providers/list.ts";
import { smtpBounces } from "../../../providers/smtp/bounces.ts";
import { attemptOfReturnPath, returnPathOf } from "../../../providers/smtp/return-path.ts";
import type { Webhook } from "../../../providers/transport/webhook.ts";
import { OTHER_MAILS, REPORTS } from "../../support/bounce-mails.ts";
import type { FuzzTarget } from "../fuzz.ts";
import { FORM, NOW } from "./common.ts";

const GIVEN_UP = "a secret that signs nothing here";

const BODIES = [
  [FORM, "MessageSid=SM0&MessageStatus=delivered&To=%2B821012345678"],
  [FORM, "sig=00&timestamp=1764590400&status=delivered&messageId=a"],
  ["application/json", `{"sig":"00","timestamp":"${NOW / 1_000}","status":"delivered","a":[{"b":null}]}`],
  ["application/json", '[{"event":"delivered","timestamp":1,"attempt_id":"0-0/1"}]'],
  [FORM, `mandrill_events=${encodeURIComponent('[{"event":"send","msg":{"metadata":{"attempt":"0"}}}]')}`],
] as const;

/** The first line of the input is the content type, the second the signature in every header that holds one; the rest is the body. */
export const WEBHOOKS: readonly FuzzTarget[] = PROVIDERS.flatMap(({ name, webhook }): FuzzTarget[] => {
  if (webhook === undefined) return [];
  const { reader } = webhook;
  return [
    {
      name: `webhook of ${name}`,
      seeds: BODIES.map(([type, body]) => Buffer.from(`${type}\nBearer a.b.c\n${body}`)),
      dictionary: ["__proto__", "toString", '{"valueOf":1}', "sig", "timestamp", "[[[[", "&a=", "=&=", "%00", "eyJhbGciOiJIUzI1NiJ9"],
      files: /\/(providers|runtime\/http)\//,
      run(input) {
        const [type = "", signature = "", ...rest] = input.toString("latin1").split("\n");
        const signed = ["authorization", "x-twilio-signature", "x-mandrill-signature", "x-twilio-email-event-webhook-signature"];
        const asked: Webhook = {
          url: `https://example.com/${name}`,
          query: new URLSearchParams(),
          headers: {
            ...Object.fromEntries(signed.map((header) => [header, signature])),
            ...{ "content-type": type, "x-twilio-email-event-webhook-timestamp": `${NOW / 1_000}` },
          },
          body: Buffer.from(rest.join("\n"), "latin1"),
          receivedAt: NOW,
        };
        assert.equal(reader.verify(asked, GIVEN_UP, {}), false, "accepted what nobody signed");
        for (const receipt of reader.read(asked) ?? []) assert.match(receipt.attemptId, /^[0-9a-f]{32}-\d{1,5}\/\d{1,9}$/);
        reader.isProbe?.(asked);
      },
    },
  ];
});

const RETURN_PATH_KEYS = { domain: "bounces.example.org", keys: ["a key that signs nothing here"] };
const SIGNED = returnPathOf(`${"0a".repeat(16)}-0/1`, { ...RETURN_PATH_KEYS, keys: ["another key than that"] }, NOW) ?? "";

export const RETURN_PATH: FuzzTarget = {
  name: "return path",
  seeds: [SIGNED, SIGNED.toUpperCase(), "b+@bounces.example.org"].map((path) => Buffer.from(path)),
  dictionary: ["b+", "@", "@bounces.example.org", "aaaaaaaa", "7", "=", "+"],
  files: /\/providers\/smtp\//,
  run(input) {
    assert.equal(attemptOfReturnPath(input.toString("latin1"), RETURN_PATH_KEYS, NOW), undefined, "accepted what nobody signed");
  },
};

/** The first line is the envelope's sender; the rest is the mail. */
export const BOUNCE: FuzzTarget = {
  name: "bounce",
  seeds: [...Object.values(REPORTS).map(({ message }) => message), ...Object.values(OTHER_MAILS)].map((mail) =>
    Buffer.concat([Buffer.from("\r\n"), mail]),
  ),
  dictionary: [
    "\r\n\r\n",
    "--",
    "Action: ",
    "Status: 5.1.1",
    "Content-Type: message/delivery-status",
    "base64",
    "=?utf-8?q?=00?=",
    "multipart/",
  ],
  files: /\/(providers\/smtp|postal-mime)\//,
  async run(input) {
    const end = Math.max(0, input.indexOf("\n"));
    const arrival = { attemptId: `${"0a".repeat(16)}-0/1`, sender: input.toString("latin1", 0, end).trim(), receivedAt: NOW };
    const receipt = await smtpBounces.read({ ...arrival, message: input.subarray(end) });
    if (receipt === undefined) return;
    assert.deepEqual([receipt.attemptId, receipt.provider, receipt.at], [arrival.attemptId, "smtp", NOW]);
    assert.equal(receipt.kind === "undelivered", receipt.reason !== undefined);
    if (receipt.reason !== undefined) assert.match(receipt.reason, /^(bounce|[245]\.\d{1,3}\.\d{1,3})$/);
  },
};
