// Everything that reads bytes from outside: requests, tasks, webhooks, addresses, keys, lines.
import assert from "node:assert/strict";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { decodeTask, encodeTask } from "../../adapters/nats/task-codec.ts";
import { parseLine } from "../../cli/gateway/jsonl.ts";
import { LineError } from "../../cli/gateway/line-values.ts";
import { formatApiKey, parseApiKey } from "../../core/apps/api-key.ts";
import { PUSH_HOSTS, parsePushUrl } from "../../core/content/push-host.ts";
import { canonicalEndpoint, type Endpoint } from "../../core/delivery/endpoint.ts";
import { toTask } from "../../core/delivery/task.ts";
import { pageClaimOf, pageClaimText } from "../../core/preferences/page-claim.ts";
import { claimOf, claimText } from "../../core/preferences/unsubscribe-token.ts";
import { formFields } from "../../feedback/form-body.ts";
import { BlobServiceService } from "../../gen/carillon/v1/blob_service.ts";
import { ContactServiceService } from "../../gen/carillon/v1/contact_service.ts";
import { ListNotificationsRequest, NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { smtpBounces } from "../../providers/smtp/bounces.ts";
import { attemptOfReturnPath, returnPathOf } from "../../providers/smtp/return-path.ts";
import type { Webhook } from "../../providers/transport/webhook.ts";
import { connectMethods } from "../../runtime/connect/methods.ts";
import { measureRequest, readJson } from "../../runtime/connect/read-request.ts";
import { descriptors } from "../../runtime/grpc/descriptors.ts";
import { serveHandlers } from "../../runtime/grpc/serve-handlers.ts";
import { compileValidator } from "../../runtime/grpc/validate.ts";
import type { JsonMeasure } from "../../runtime/http/bounded-json.ts";
import { createLogger } from "../../runtime/logger.ts";
import { openToken, sealToken } from "../../runtime/sealed-token.ts";
import { notification } from "../e2e/calls.ts";
import { OTHER_MAILS, REPORTS } from "../support/bounce-mails.ts";
import { authenticate, handlersOf, SERVICE } from "../support/connect-servers.ts";
import { sampleNotification } from "../support/notification-samples.ts";
import type { FuzzTarget } from "./fuzz.ts";

const NOW = Date.UTC(2026, 11, 1, 12);
const GIVEN_UP = "a secret that signs nothing here";

const SEND_BY_JSON = connectMethods([
  serveHandlers(NotificationServiceService, handlersOf(), { log: createLogger("fuzz", "silent"), authenticate }),
]).get(`${SERVICE}/SendNotification`)!;
const LIST_ALL = ListNotificationsRequest.decode(new Uint8Array());

/** Every request of the public services, through the decoder and the rules. */
const REQUESTS: readonly FuzzTarget[] = [
  NotificationServiceService,
  BlobServiceService,
  ContactServiceService,
  PreferenceServiceService,
].flatMap((service) =>
  Object.values(service).map((method): FuzzTarget => {
    const type = `carillon.v1.${method.path.split("/").at(-1)}Request`;
    const validate = compileValidator(type);
    const one = notification();
    const valid: Record<string, unknown> = {
      SendNotification: { notification: one },
      BatchSendNotifications: { notifications: [one, one] },
      GetNotification: { notificationId: "0".repeat(32) },
      ListNotifications: {
        ...{ ...LIST_ALL, userId: "ada", tag: "order=4711", states: [1, 2], channels: [4], reasonCode: "unavailable" },
        endpoint: { address: { $case: "emailAddress", value: "ada@example.com" } },
      },
      CancelNotifications: {
        notificationId: "",
        idempotencyKey: "",
        cancelKey: "k",
        userId: "ada",
        reason: "why",
        actor: "who",
        pageToken: "",
      },
    };
    const given = valid[method.path.split("/").at(-1) ?? ""];
    const serialize = method.requestSerialize as (request: unknown) => Uint8Array;
    return {
      name: type,
      seeds: [Buffer.alloc(0), ...(given === undefined ? [] : [Buffer.from(serialize(given))]), Buffer.from("0a040a027531", "hex")],
      dictionary: ["__proto__", "constructor", Buffer.from("ffffffffffffffffff01", "hex"), Buffer.from("0a00", "hex"), "\u{1f514}"],
      files: /\/(runtime\/grpc|gen)\//,
      run(input) {
        let message: unknown;
        try {
          message = method.requestDeserialize(input);
        } catch {
          // Bytes that are no message are answered INVALID_ARGUMENT.
          return;
        }
        for (const { field, rule } of validate(message)) assert.ok(typeof field === "string" && rule !== "");
      },
    };
  }),
);

/** A JSON request, strictly read: it is an error or bytes that say the same as JSON again. */
const JSON_REQUEST: FuzzTarget = {
  name: "JSON request",
  seeds: [
    Buffer.from(
      JSON.stringify({ notification: { idempotencyKey: "k", recipient: { userId: "ada" }, channels: ["CHANNEL_SMS"], ttlSeconds: 0 } }),
    ),
    Buffer.from(
      '{"notification": {"content": {"push": {"data": {"a": "b"}, "dataJson": {"c": [1, null, {"d": true}]}}, "sms": {"text": "\\ud83d\\ude00"}}}}',
    ),
  ],
  dictionary: ["__proto__", "idempotency_key", '"category":', "null", "1e999", "\\ud800", "[[", "{}", "2027-01-31T09:30:00Z"],
  files: /\/runtime\/(connect|http)\//,
  run(input) {
    const measure = measureRequest(input, SEND_BY_JSON);
    const read = "error" in measure ? measure : readJson(input, measure, SEND_BY_JSON);
    if (read.error) {
      assert.ok(
        read.error.code === "INVALID_ARGUMENT" && read.error.fields?.every(({ field, rule }) => field !== "" && rule !== "") !== false,
      );
      return;
    }
    const json = toJson(SEND_BY_JSON.input, fromBinary(SEND_BY_JSON.input, read.bytes), { registry: descriptors() });
    const again = Buffer.from(JSON.stringify(json));
    const reread = readJson(again, measureRequest(again, SEND_BY_JSON) as JsonMeasure, SEND_BY_JSON);
    assert.deepEqual(reread.error === undefined && Buffer.from(reread.bytes), Buffer.from(read.bytes));
  },
};

const sample = sampleNotification("fuzz", NOW);
const SAMPLE_TASK = Buffer.from(encodeTask(toTask(sample, sample.deliveries[0]!)));

const TASK: FuzzTarget = {
  name: "task codec",
  seeds: [SAMPLE_TASK],
  files: /\/(adapters\/nats|adapters\/wire|gen)\//,
  run(input) {
    const task = decodeTask(input, `${"0".repeat(32)}-0/1.0`);
    if (task === undefined) return;
    // What was read once is read the same again.
    const again = decodeTask(encodeTask(task), `${"0".repeat(32)}-0/1.0`);
    assert.deepEqual(again, task);
  },
};

const FORM = "application/x-www-form-urlencoded";
const BODIES = [
  [FORM, "MessageSid=SM0&MessageStatus=delivered&To=%2B821012345678"],
  [FORM, "sig=00&timestamp=1764590400&status=delivered&messageId=a"],
  ["application/json", `{"sig":"00","timestamp":"${NOW / 1_000}","status":"delivered","a":[{"b":null}]}`],
  ["application/json", '[{"event":"delivered","timestamp":1,"attempt_id":"0-0/1"}]'],
  [FORM, `mandrill_events=${encodeURIComponent('[{"event":"send","msg":{"metadata":{"attempt":"0"}}}]')}`],
] as const;

/** The first line of the input is the content type, the second the signature in every header that holds one; the rest is the body. */
const WEBHOOKS: readonly FuzzTarget[] = PROVIDERS.flatMap(({ name, webhook }): FuzzTarget[] => {
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

const RETURN_PATH: FuzzTarget = {
  name: "return path",
  seeds: [SIGNED, SIGNED.toUpperCase(), "b+@bounces.example.org"].map((path) => Buffer.from(path)),
  dictionary: ["b+", "@", "@bounces.example.org", "aaaaaaaa", "7", "=", "+"],
  files: /\/providers\/smtp\//,
  run(input) {
    assert.equal(attemptOfReturnPath(input.toString("latin1"), RETURN_PATH_KEYS, NOW), undefined, "accepted what nobody signed");
  },
};

/** The first line is the envelope's sender; the rest is the mail. */
const BOUNCE: FuzzTarget = {
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

const LINK_KEYS = { purpose: "unsubscribe", keys: ["a key that sealed nothing here"] };
const CLAIM = {
  app: "shop",
  subject: "user:ada",
  channel: "email",
  category: "news",
  notificationId: "0a".repeat(16),
  issuedAt: NOW,
} as const;
const SEALED = sealToken(claimText(CLAIM), { ...LINK_KEYS, keys: ["another key than that"] });

const UNSUBSCRIBE_TOKEN: FuzzTarget = {
  name: "token of a link to unsubscribe",
  seeds: [SEALED, sealToken("", LINK_KEYS).replace(/[^.]*$/, ""), "v1...", claimText(CLAIM)].map((token) => Buffer.from(token)),
  dictionary: ["v1", ".", "=", "-", "_", '["a"', ',""', "null", "[]", "1e9"],
  files: /\/(runtime\/sealed-token|core\/preferences)/,
  run(input) {
    const text = input.toString("latin1");
    assert.equal(openToken(text, LINK_KEYS), undefined, "opened what nobody sealed");
    const claim = claimOf(text);
    if (claim !== undefined) assert.deepEqual(claimOf(claimText(claim)), claim);
    const pageClaim = pageClaimOf(text);
    if (pageClaim !== undefined) assert.deepEqual(pageClaimOf(pageClaimText(pageClaim)), pageClaim);
  },
};

/** The first line is the content type; the rest is the body. */
const UNSUBSCRIBE_FORM: FuzzTarget = {
  name: "form of a link to unsubscribe",
  seeds: [
    `${FORM}\nList-Unsubscribe=One-Click`,
    'multipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
  ].map((form) => Buffer.from(form)),
  dictionary: ["--b", "\r\n", 'name="', "filename=", "boundary=", "__proto__", "&", "=", "%"],
  files: /\/feedback\//,
  async run(input) {
    const end = Math.max(0, input.indexOf("\n"));
    const headers = { "content-type": input.toString("latin1", 0, end) };
    for (const [name, value] of await formFields({ headers, body: input.subarray(end + 1) }))
      assert.ok(typeof name === "string" && typeof value === "string");
  },
};

const PUSH_URL: FuzzTarget = {
  name: "push URL",
  seeds: [
    "https://fcm.googleapis.com/fcm/send/a:b",
    "https://wns2-par02p.notify.windows.com/w/?token=a",
    "https://web.push.apple.com/a",
  ].map((s) => Buffer.from(s)),
  dictionary: ["127.0.0.1", "[::1]", "%2E", "@", "\\", "#", ":443", "//", "localhost", "xn--", "\u3002", "'", " "],
  files: /\/core\/content\//,
  run(input) {
    const found = parsePushUrl(input.toString(), PUSH_HOSTS);
    if (found === undefined) return;
    const { hostname, port, protocol, username } = new URL(found.url);
    assert.deepEqual([protocol, username, port], ["https:", "", ""]);
    const listed = PUSH_HOSTS.some((host) => (host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host));
    assert.ok(listed && /^[a-z0-9.-]+$/.test(hostname), `dials ${hostname}`);
    assert.equal(parsePushUrl(found.url, PUSH_HOSTS)?.url, found.url);
  },
};

const ENDPOINT: FuzzTarget = {
  name: "canonical endpoint",
  seeds: [
    "ada@example.com",
    "Ada@B\u00fccher.example",
    "+821012345678",
    "https://fcm.googleapis.com/x",
    "https://%45",
    "https://fcm.googleapis.com/%%34%31",
  ].map((s) => Buffer.from(s)),
  dictionary: ["@", "xn--", "\u00fc", "\u3002", ".", '"', "%", "\u0130"],
  files: /\/core\//,
  run(input) {
    const text = input.toString();
    const endpoints: Endpoint[] = [
      { channel: "email", address: text },
      { channel: "sms", phoneNumber: text },
      { channel: "apns", token: text },
      { channel: "webpush", pushUrl: text, p256dh: "", auth: "" },
    ];
    for (const endpoint of endpoints) {
      const once = canonicalEndpoint(endpoint);
      assert.deepEqual(canonicalEndpoint(once), once);
    }
  },
};

const API_KEY: FuzzTarget = {
  name: "API key",
  seeds: [Buffer.from(formatApiKey("01234567", 17n)), Buffer.from("ck_")],
  dictionary: ["ck_", "_"],
  files: /\/core\/apps\//,
  run(input) {
    const text = input.toString();
    const parsed = parseApiKey(text);
    if (parsed !== undefined) assert.ok(text.includes(parsed.id) && !/[^\w-]/.test(parsed.id));
  },
};

const LINE: FuzzTarget = {
  name: "line of carillon send",
  seeds: [
    '{"key":"a","user":"u","class":"critical","category":"c","push":{"title":"t","data":{"a":"b"}},"sendAt":"+10m","channels":["apns"]}',
    '{"key":"a","endpoint":{"webPush":{"pushUrl":"https://fcm.googleapis.com/x","p256dh":"AA","auth":"AA"}},"sms":{"text":"t"}}',
    '{"key":"a","endpoint":{"emailAddress":"a@b.example"},"email":{"subject":"s","text":"t"},"expiresAt":"2026-12-01T12:00:00Z"}',
    '{"idempotencyKey":"a","recipient":{"userId":"u"},"notificationClass":"NOTIFICATION_CLASS_CRITICAL","sendAt":"2026-12-01T12:00:00Z","content":{"push":{"badge":1,"dataJson":{"a":[null,{}]},"relevanceScore":0.5,"interruptionLevel":1},"email":{"headers":{"X-A":"b"},"attachments":[{"content":"AA=="}]}}}',
  ].map((line) => Buffer.from(line)),
  dictionary: ["__proto__", "null", "content", "dataJson", "NaN", "[]", "{}", "1e999", '"sendAt":"+10m"', "\\u0000"],
  files: /\/cli\/gateway\//,
  run(input) {
    try {
      parseLine(input.toString(), NOW);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
    }
  },
};

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...REQUESTS,
  TASK,
  JSON_REQUEST,
  ...WEBHOOKS,
  UNSUBSCRIBE_TOKEN,
  UNSUBSCRIBE_FORM,
  RETURN_PATH,
  BOUNCE,
  PUSH_URL,
  ENDPOINT,
  API_KEY,
  LINE,
];
