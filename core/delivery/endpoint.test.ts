import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addressFault } from "./email-address.ts";
import { canonicalEndpoint, type Endpoint, endpointKey } from "./endpoint.ts";

const push = (pushUrl: string): Endpoint => ({ channel: "webpush", pushUrl, p256dh: "BPub", auth: "secret" });
const mail = (address: string): Endpoint => ({ channel: "email", address });
const phone = (phoneNumber: string): Endpoint => ({ channel: "sms", phoneNumber });

/** Spellings of one endpoint each; the first is the canonical one. */
const SAME: [string, Endpoint[]][] = [
  [
    "a push URL",
    [
      "https://push.example/send/a~b?c=d",
      "https://push.example/send/a~b?c=d#x",
      "https://push.example/send/a~b?c=d#",
      "https://PUSH.example:443/send/a~b?c=d",
      "https://push.example/send/%61%7Eb?%63=d",
      "https://push.example/x/../send/./a%7eb?c=d",
    ].map(push),
  ],
  ["a push URL with what must stay escaped", ["https://push.example/a%2Fb%3D", "https://push.example/a%2fb%3d?"].map(push)],
  ["a push URL on a port", ["https://push.example:8443/", "https://push.example:8443"].map(push)],
  [
    "an address with an internationalized domain",
    ["ada@xn--bcher-kva.example", "ada@bücher.example", "ada@bu\u0308cher.example", "ada@BÜCHER.Example", "ada@XN--BCHER-KVA.example"].map(
      mail,
    ),
  ],
  ["an address", ["ada@example.com", "ada@EXAMPLE.com", "ada@ｅxample。com"].map(mail)],
  ["a number with the 0 that is dialled within the country", ["+447700900123", "+4407700900123"].map(phone)],
  ["a number of a country with a code of three digits", ["+353851234567", "+3530851234567"].map(phone)],
  ["a number that begins with a 0 wherever it is dialled", ["+390612345678"].map(phone)],
  ["a mobile number of Côte d'Ivoire", ["+2250101234567"].map(phone)],
  [
    "a device token",
    [
      { channel: "apns", token: "ab12cd34" },
      { channel: "apns", token: "AB12cd34" },
    ],
  ],
];

describe("an endpoint has one canonical form", () => {
  for (const [what, spellings] of SAME)
    it(what, () => {
      for (const spelling of spellings) {
        assert.deepEqual(canonicalEndpoint(spelling), spellings[0]);
        assert.equal(endpointKey(spelling), endpointKey(spellings[0]!));
      }
    });

  it("of which the part of an address before the @ keeps its case, and is compared without it", () => {
    assert.deepEqual(canonicalEndpoint(mail("Ada@Example.com")), mail("Ada@example.com"));
    assert.equal(endpointKey(mail("Ada@Example.com")), endpointKey(mail("ada@example.com")));
  });

  it("and different endpoints keep different ones", () => {
    const different = [
      ...["https://a.example/x", "https://a.example/X", "https://a.example/x/", "https://a.example/x?y", "https://b.example/x"].map(push),
      ...["https://a.example:8443/x", "https://a.example/x%2Fy", "https://a.example/x/y"].map(push),
      ...["ada@a.example", "ada@b.example", "bob@a.example", "a.da@a.example", "ada+news@a.example"].map(mail),
      ...["+4915112345678", "+49151123456780", "+390612345678", "+39612345678", "+12015550123"].map(phone),
      ...["Token-12345", "token-12345"].map((token): Endpoint => ({ channel: "fcm", token })),
    ];
    assert.equal(new Set(different.map(endpointKey)).size, different.length);
  });

  it("which is its own canonical form, for anything at all", () => {
    const url = fc.oneof(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string(),
      fc.webUrl().map((u) => `${u}%2e%2E/%zz#%`),
      fc
        .array(fc.constantFrom("%", "2", "4", "1", "5", "e", "/", "."), { maxLength: 20 })
        .map((path) => `https://push.example/${path.join("")}`),
    );
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 6, maxLength: 14 });
    const number = fc.tuple(fc.constantFrom("49", "44", "353", "39", "1"), digits).map(([code, rest]) => `+${code}0${rest}`);
    const address = fc.oneof(
      fc.emailAddress(),
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme" }).map((domain) => `ada@${domain}.de`),
    );
    fc.assert(
      fc.property(fc.oneof(url.map(push), address.map(mail), number.map(phone)), (endpoint) => {
        const once = canonicalEndpoint(endpoint);
        assert.deepEqual(canonicalEndpoint(once), once);
        assert.equal(endpointKey(once), endpointKey(endpoint));
      }),
      { numRuns: 2_000 },
    );
  });
});

it("a push URL is read once, however many escapes are made of what others stand for", (t) => {
  const nested = `${"%".repeat(1_000)}${"3".repeat(1_000)}4`;
  const read = t.mock.method(String.prototype, "replaceAll");
  for (const path of [nested, `%25${"%34".repeat(600)}`, "%2525252541", `?${nested}`]) {
    read.mock.resetCalls();
    canonicalEndpoint(push(`https://push.example/${path}`));
    assert.ok(read.mock.callCount() <= 1, `${read.mock.callCount()} times`);
  }
});

describe("an e-mail address", () => {
  it("that is accepted has an ASCII form, the one that is called", () => {
    const address = fc.oneof(
      fc.emailAddress(),
      fc.string({ unit: "grapheme", minLength: 1 }).map((domain) => `ada@${domain}.example`),
    );
    fc.assert(
      fc.property(address, (given) => {
        if (addressFault(given) !== undefined) return;
        const { address: called } = canonicalEndpoint(mail(given)) as { address: string };
        assert.match(called, /^[!-~]+@[a-z0-9.-]+$/);
        assert.equal(addressFault(called), undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  const REJECTED: [string, RegExp][] = [
    ["ada", /with an @/],
    ["@example.com", /before the @/],
    ["ada@", /domain after the @/],
    ["ada@example.com.", /domain after the @/],
    ["ada@-x.example", /domain after the @/],
    ["ada@ex ample.com", /domain after the @/],
    ["ada@ü%2e.example", /domain after the @/],
    ["ada@ü:443", /domain after the @/],
    ["ada@[127.0.0.1]", /domain after the @/],
    ['"a b"@example.com', /quotes/],
    ["Ada <ada@example.com", /display name/],
    ["a@b@example.com", /display name/],
    ["jürgen@example.com", /ASCII characters before the @/],
    [`${"x".repeat(65)}@example.com`, /64 characters before/],
    [`ada@${"üa.".repeat(40)}example`, /254 characters/],
    ["ada@example.com\r\nBcc: eve@example.com", /quotes or spaces/],
  ];
  for (const [address, words] of REJECTED)
    it(`is rejected: ${JSON.stringify(address).slice(0, 40)}`, () => assert.match(addressFault(address) ?? "", words));

  for (const address of ["a@b", "ada+news@example.co.uk", "o'brien@example.ie", "ada@bücher.example", "ada@例え.テスト", "ada@1.2.3"])
    it(`is accepted: ${address}`, () => assert.equal(addressFault(address), undefined));
});
