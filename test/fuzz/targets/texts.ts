// Addresses, keys, and lines of the command line.
import assert from "node:assert/strict";
import { parseLine } from "../../../cli/gateway/jsonl.ts";
import { LineError } from "../../../cli/gateway/line-values.ts";
import { formatApiKey, parseApiKey } from "../../../core/apps/api-key.ts";
import { PUSH_HOSTS, parsePushUrl } from "../../../core/content/push-host.ts";
import { canonicalEndpoint, type Endpoint } from "../../../core/delivery/endpoint.ts";
import type { FuzzTarget } from "../fuzz.ts";
import { NOW } from "./common.ts";

export const PUSH_URL: FuzzTarget = {
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

export const ENDPOINT: FuzzTarget = {
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

export const API_KEY: FuzzTarget = {
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

export const LINE: FuzzTarget = {
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
