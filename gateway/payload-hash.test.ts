import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { parseLine } from "../cli/gateway/jsonl.ts";
import type { Content } from "../core/content/content.ts";
import type { JsonObject } from "../core/content/json.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { comparePayload, payloadHash } from "./payload-hash.ts";
import { type NotificationRequest, toRequest } from "./request.ts";

interface Pinned {
  request: Record<string, unknown>;
  hash: string;
}
const fixture = (name: string) => JSON.parse(readFileSync(new URL(`../test/support/stored/${name}`, import.meta.url), "utf8")) as unknown;
/** Requests with their version-2 hashes as first computed. These must never change. */
const pinned = fixture("payload-hashes-2.json") as Pinned[];
/** Requests with the record that revision 2972bbf stored for each. */
const unversioned = fixture("unversioned-hashes.json") as { request: Record<string, unknown>; record: { payloadHash: string } }[];
const requestOf = (line: unknown) => toRequest(parseLine(JSON.stringify(line), 0));

test("version 2 still gives the same hashes", () => {
  for (const { request, hash } of pinned) assert.equal(payloadHash(requestOf(request)), hash, String(request.key));
});

test("compares by the version of the stored hash", () => {
  for (const { request, record } of unversioned) {
    assert.match(record.payloadHash, /^[0-9a-f]{64}$/);
    assert.equal(comparePayload(record.payloadHash, requestOf(request)), "same", String(request.key));
    assert.equal(comparePayload(record.payloadHash, requestOf({ ...request, category: "other" })), "other");
  }
  const request = requestOf(pinned[0]!.request);
  assert.equal(comparePayload(payloadHash(request), request), "same");
  assert.equal(comparePayload(payloadHash({ ...request, category: "other" }), request), "other");
  const rich = { ...request, ttlSeconds: 0 };
  assert.match(payloadHash(rich), /^3:/, "gateways that do not know the field cannot compare it");
  assert.equal(comparePayload(payloadHash(rich), rich), "same");
  assert.equal(comparePayload(payloadHash(rich), request), "other");
  assert.equal(comparePayload(payloadHash(request), rich), "other");
  const tagged = { ...request, tags: { order: "1", shop: "2" } };
  for (const later of [tagged, { ...request, cancelKey: "k" }]) {
    assert.match(payloadHash(later), /^4:/, "gateways that do not know the field cannot compare it");
    assert.equal(comparePayload(payloadHash(later), later), "same");
    assert.equal(comparePayload(payloadHash(later), request), "other");
    assert.equal(comparePayload(payloadHash(request), later), "other");
  }
  assert.equal(payloadHash({ ...request, tags: { shop: "2", order: "1" } }), payloadHash(tagged));
  assert.notEqual(payloadHash({ ...request, tags: { order: "1" } }), payloadHash({ ...request, cancelKey: "1" }));
  for (const newer of ["5:00", `12:${"0".repeat(64)}`]) assert.equal(comparePayload(newer, request), "unknown-version");
});

const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("", ",", '","', "push.title", "ä", "1"));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
/** Not empty: what is empty does not take part. */
const given = fc.string({ minLength: 1, maxLength: 3 });
const optional = { requiredKeys: [] as [], noNullPrototype: true };
const json = fc.dictionary(text, fc.jsonValue(), { minKeys: 1, maxKeys: 3 }) as fc.Arbitrary<JsonObject>;
const localized = fc.record({ key: given, args: fc.array(text, { maxLength: 2 }) });
const richPush = fc.record(
  {
    subtitle: given,
    badge: fc.nat(2),
    background: fc.constant(true),
    titleLocalized: localized,
    dataJson: json,
    relevanceScore: fc.nat(1),
  },
  optional,
);
const richEmail = fc.record(
  {
    replyTo: fc.array(fc.record({ address: given }), { minLength: 1, maxLength: 2 }),
    tags: fc.array(given, { minLength: 1, maxLength: 2 }),
  },
  optional,
);
const content: fc.Arbitrary<Content> = fc.record({
  push: maybe(
    fc
      .tuple(fc.record({ title: text, body: text, data: fc.dictionary(text, text, { maxKeys: 4 }) }), richPush)
      .map(([a, b]) => ({ ...a, ...b })),
  ),
  sms: maybe(
    fc.tuple(fc.record({ text }), fc.record({ sender: given, flash: fc.constant(true) }, optional)).map(([a, b]) => ({ ...a, ...b })),
  ),
  email: maybe(fc.tuple(fc.record({ subject: text, html: text, text }), richEmail).map(([a, b]) => ({ ...a, ...b }))),
});
const endpoint: fc.Arbitrary<Endpoint> = fc.oneof(
  fc.record({ channel: fc.constantFrom("apns", "fcm"), token: text }),
  fc.record({ channel: fc.constant("webpush"), pushUrl: text, p256dh: text, auth: text }),
  fc.record({ channel: fc.constant("sms"), phoneNumber: text }),
  fc.record({ channel: fc.constant("email"), address: text }),
);
const requests: fc.Arbitrary<NotificationRequest> = fc.record({
  idempotencyKey: fc.constant("k"),
  recipient: fc.oneof(
    fc.record({ kind: fc.constant("user"), userId: text }),
    endpoint.map((e) => ({ kind: "endpoint", endpoint: e }) as const),
  ),
  channels: fc.uniqueArray(fc.constantFrom("apns", "fcm", "webpush", "sms", "email")),
  notificationClass: fc.constantFrom("critical", "transactional", "marketing"),
  category: text,
  content,
  priority: fc.constantFrom("low", "normal", "high"),
  collapseKey: maybe(fc.string({ minLength: 1 })),
  sendAt: maybe(fc.nat()),
  expiresAt: maybe(fc.nat()),
  ttlSeconds: maybe(fc.nat(2)),
});

/** A request's meaning as one text, without the order of maps and channels and without undefined fields. */
const meaning = (request: NotificationRequest): string =>
  JSON.stringify({ ...request, channels: [...request.channels].sort() }, (_, value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value)
          .filter(([, field]) => field !== undefined)
          .sort(([a], [b]) => (a < b ? -1 : 1))
      : value,
  );

/** The same request with every map and list reversed. */
function turnedRound(request: NotificationRequest): NotificationRequest {
  const backwards = <T extends object>(map: T) => Object.fromEntries(Object.entries(map).reverse()) as T;
  const { push } = request.content;
  const turned = push && { ...backwards(push), data: backwards(push.data) };
  return backwards({ ...request, channels: [...request.channels].reverse(), content: backwards({ ...request.content, push: turned }) });
}

test("is equal for equal requests in any order, and different for any difference", () => {
  fc.assert(
    fc.property(requests, requests, (a, b) => {
      assert.equal(payloadHash(turnedRound(a)), payloadHash(a));
      assert.equal(payloadHash(a) === payloadHash(b), meaning(a) === meaning(b));
    }),
    { numRuns: 500 },
  );
});

test("changes with any single field", () => {
  const parts = (request: NotificationRequest, other: NotificationRequest): NotificationRequest[] => [
    ...Object.keys(request).map((field) => ({ ...request, [field]: other[field as keyof NotificationRequest] })),
    ...(["push", "sms", "email"] as const).map((part) => ({ ...request, content: { ...request.content, [part]: other.content[part] } })),
  ];
  fc.assert(
    fc.property(requests, requests, (request, other) => {
      for (const changed of parts(request, other))
        assert.equal(payloadHash(changed) === payloadHash(request), meaning(changed) === meaning(request));
    }),
    { numRuns: 300 },
  );
});

test("does not change with an unknown field or an empty one", () => {
  fc.assert(
    fc.property(requests, fc.string(), (request, name) => {
      const { push } = request.content;
      const more = {
        ...request,
        [`new ${name}`]: "x",
        content: { ...request.content, ...(push ? { push: { ...push, [`new ${name}`]: "" } } : {}) },
      };
      assert.equal(payloadHash(more), payloadHash(request));
      assert.equal(payloadHash({ ...request, collapseKey: undefined }), payloadHash({ ...request, collapseKey: "" }));
    }),
  );
});
