import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentFromProto } from "../../core/content/content.ts";
import { pushCodec } from "../../core/content/push-codec.ts";
import { CHANNELS, CLASSES, PRIORITIES } from "../../core/delivery/channel.ts";
import { APNS_KINDS, type Endpoint, endpointKey, kindOf } from "../../core/delivery/endpoint.ts";
import { END_STATES, OPEN_STATES } from "../../core/delivery/notification.ts";
import { Endpoint as EndpointProto } from "../../gen/carillon/v1/channel.ts";
import { PushContent } from "../../gen/carillon/v1/notification_service.ts";
import * as convert from "./convert.ts";

const base64url = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString("base64url"));

const endpoints: fc.Arbitrary<Endpoint> = fc.oneof(
  fc.record(
    {
      channel: fc.constant("apns" as const),
      token: fc.string(),
      application: fc.string(),
      environment: fc.constant("development" as const),
      kind: fc.constantFrom(...APNS_KINDS),
    },
    { noNullPrototype: true, requiredKeys: ["channel", "token"] },
  ),
  fc.record(
    { channel: fc.constant("fcm" as const), token: fc.string(), kind: fc.constant("installation" as const) },
    { noNullPrototype: true, requiredKeys: ["channel", "token"] },
  ),
  fc.record(
    { channel: fc.constant("webpush" as const), pushUrl: fc.webUrl(), p256dh: base64url(65), auth: base64url(16) },
    { noNullPrototype: true },
  ),
  fc.record({ channel: fc.constant("sms" as const), phoneNumber: fc.string() }, { noNullPrototype: true }),
  fc.record({ channel: fc.constant("email" as const), address: fc.emailAddress() }, { noNullPrototype: true }),
);

test("every endpoint survives encoding and decoding", () => {
  fc.assert(
    fc.property(endpoints, (endpoint) => {
      const wire = EndpointProto.encode(convert.endpointToProto(endpoint)).finish();
      assert.deepEqual(convert.endpointFromProto(EndpointProto.decode(wire)), endpoint);
    }),
  );
});

test("what services tell one another has an endpoint in the form that every version reads, under the same key", () => {
  fc.assert(
    fc.property(endpoints, (endpoint) => {
      const plain = convert.endpointFromProto(convert.plainEndpointToProto(endpoint))!;
      assert.equal(endpointKey(plain), endpointKey(endpoint), "an opt-out holds for the token, whatever it is for");
      assert.equal(kindOf(plain), undefined);
    }),
  );
});

test("an endpoint without an address gives undefined", () => {
  assert.equal(convert.endpointFromProto(undefined), undefined);
  assert.equal(convert.endpointFromProto({ address: undefined }), undefined);
});

test("every value survives conversion to its number, and no two share one", () => {
  const backAndForth = <T>(words: readonly T[], to: (word: T) => number, from: (value: number) => T | undefined) => {
    assert.deepEqual(
      words.map((w) => from(to(w))),
      words,
    );
    assert.equal(from(0), undefined, "unspecified is no word");
    assert.equal(from(99), undefined, "a newer version's number is no word");
  };
  backAndForth(CHANNELS, convert.channelToProto, convert.channelFromProto);
  backAndForth(CLASSES, convert.classToProto, convert.classFromProto);
  backAndForth(PRIORITIES, convert.priorityToProto, convert.priorityFromProto);
  backAndForth([...OPEN_STATES, ...END_STATES], convert.stateToProto, convert.stateFromProto);
});

test("a map keeps every key when it is decoded", () => {
  const data = Object.fromEntries(["__proto__", "constructor", "toString", ""].map((key) => [key, `of ${key}`]));
  const decoded = PushContent.decode(PushContent.encode(pushCodec.toProto({ title: "", body: "", data })).finish());
  assert.deepEqual(Object.entries(decoded.data), Object.entries(data));
  assert.deepEqual(Object.entries(contentFromProto({ push: decoded, sms: undefined, email: undefined }).push!.data), Object.entries(data));
});
