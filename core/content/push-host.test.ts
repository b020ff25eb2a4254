import assert from "node:assert/strict";
import { test } from "node:test";
import { parse as legacyParse } from "node:url";
import fc from "fast-check";
import { canonicalPushUrl, isPushHostPattern, PUSH_HOSTS, parsePushUrl } from "./push-host.ts";

const HOSTS = ["fcm.googleapis.com", "*.notify.windows.com", "127.0.0.1:8443", "[::1]:8443", "localhost"];

const passing: [given: string, url: string, host: string][] = [
  ["https://fcm.googleapis.com/fcm/send/a_b-c:d", "https://fcm.googleapis.com/fcm/send/a_b-c:d", "fcm.googleapis.com"],
  ["HTTPS://FCM.googleapis.com/fcm/send/ABC", "https://fcm.googleapis.com/fcm/send/ABC", "fcm.googleapis.com"],
  ["https://fcm.googleapis.com:443/x", "https://fcm.googleapis.com/x", "fcm.googleapis.com"],
  ["https://fcm.googleapis.com", "https://fcm.googleapis.com/", "fcm.googleapis.com"],
  ["https://fcm.googleapis.com/a/../b?c=%2f#part", "https://fcm.googleapis.com/b?c=%2f", "fcm.googleapis.com"],
  [
    "https://wns2-par02p.notify.windows.com/w/?token=x%3d",
    "https://wns2-par02p.notify.windows.com/w/?token=x%3d",
    "wns2-par02p.notify.windows.com",
  ],
  ["https://a.b.notify.windows.com/w", "https://a.b.notify.windows.com/w", "a.b.notify.windows.com"],
  ["https://127.0.0.1:8443/x", "https://127.0.0.1:8443/x", "127.0.0.1:8443"],
  ["https://[::1]:8443/x", "https://[::1]:8443/x", "[::1]:8443"],
];
for (const [given, url, host] of passing) {
  test(`${given} is called as ${url}`, () => assert.deepEqual(parsePushUrl(given, HOSTS), { url, host }));
}

const rejected: [url: string, why: string][] = [
  ["https://fcm.googleapis.com:8443/x", "a listed host on another port"],
  ["https://127.0.0.1/x", "a host listed with a port, without it"],
  ["https://notify.windows.com/x", "the domain itself where only subdomains are listed"],
  ["https://.notify.windows.com/x", "an empty subdomain"],
  ["https://a..notify.windows.com/x", "an empty label"],
  ["https://evilnotify.windows.com/x", "a domain that only ends alike"],
  ["https://fcm.googleapis.com.evil.example/x", "a listed host as part of another"],
  ["https://fcm.googleapis.com./x", "a trailing dot"],
  ["https://a.notify.windows.com./x", "a trailing dot under a wildcard"],
  ["https://fcm.googleapis.com@10.0.0.1/x", "a listed host as a user name"],
  ["https://user:pw@fcm.googleapis.com/x", "credentials"],
  ["https://@fcm.googleapis.com/x", "empty credentials"],
  ["https://fcm.googleapis.com:/x", "an empty port"],
  ["https://fcm.googleapis.com:65536/x", "a port that does not exist"],
  ["http://fcm.googleapis.com/x", "plain http"],
  ["https:fcm.googleapis.com/x", "no slashes"],
  ["https:///fcm.googleapis.com/x", "three slashes, which a parser reads as one host and another as none"],
  ["https://\\fcm.googleapis.com/x", "a backslash before the host"],
  ["https://127.0.0.9\\.notify.windows.com/x", "a backslash in the host"],
  ["https://127.0.0.9%2Enotify.windows.com/w/?t=x", "an escaped dot, at which a parser cuts the host"],
  ["https://127.0.0.9%00.notify.windows.com/x", "an escaped NUL"],
  ["https://127.0.0.77'.notify.windows.com/x", "an apostrophe, at which a parser cuts the host"],
  ['https://127.0.0.77".notify.windows.com/x', "a quotation mark"],
  ["https://127.0.0.77;.notify.windows.com/x", "a semicolon"],
  ["https://127.0.0.77_.notify.windows.com/x", "an underscore"],
  ["https://127.0.0.77*.notify.windows.com/x", "an asterisk"],
  ["https://127.0.0.77`.notify.windows.com/x", "a backtick"],
  ["https://127.0.0.77{.notify.windows.com/x", "a brace"],
  ["https://-.notify.windows.com/x", "a label of a hyphen"],
  [`https://${"a".repeat(64)}.notify.windows.com/x`, "a label of 64 characters"],
  [`https://${"a.".repeat(120)}notify.windows.com/x`, "a name of more than 253 characters"],
  ["https://fcm。googleapis。com/x", "dots of another script"],
  ["https://ｆcm.googleapis.com/x", "letters of another script"],
  ["https://fcm.goog\u00adleapis.com/x", "a soft hyphen, which a parser drops"],
  ["https://fcm.goog\tleapis.com/x", "a tab, which a parser drops"],
  [" https://fcm.googleapis.com/x", "a space before it"],
  ["https://fcm.googleapis.com/x\n", "a line feed after it"],
  ["https://fcm.googleapis.com/x y", "a space in it"],
  ["https://fcm.googleapis.com/x'y", "an apostrophe in the path, which parsers spell differently"],
  ["https://fcm.googleapis.com/100%", "a percent sign at the end"],
  ["https://fcm.googleapis.com/%zz", "a percent sign before what are no digits"],
  ["https://fcm.googleapis.com/%4", "a percent sign before one digit"],
  ["https://fcm.googleapis.com/%%34%31", "a percent sign before an escape"],
  ["https://fcm.googleapis.com/x?a=%", "a percent sign in the query"],
  ["https://169.254.169.254/latest/meta-data", "an address"],
  ["https://2130706433:8443/x", "a listed address as a number"],
  ["https://127.1:8443/x", "a listed address shortened"],
  ["https://0x7f.0.0.1:8443/x", "a listed address in hex"],
  ["https://[0:0:0:0:0:0:0:1]:8443/x", "a listed address in its long form"],
  ["https://[::ffff:127.0.0.1]:8443/x", "a listed address as a mapped one"],
  ["not a url", "no URL"],
  ["", "nothing"],
];
for (const [url, why] of rejected) test(`rejects ${why}`, () => assert.equal(parsePushUrl(url, HOSTS), undefined, url));

test("rejects everything where nothing is listed", () => assert.equal(parsePushUrl("https://fcm.googleapis.com/x", []), undefined));

test("the default list has every browser's push service", () => {
  const subscriptions = [
    "https://fcm.googleapis.com/fcm/send/fv3jabydF5c:APA92bEc8gXeukGXEvq",
    "https://android.googleapis.com/gcm/send/APA91b",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk=",
    "https://wns2-by3p.notify.windows.com/w/?token=BQYAAAB%2b%3d",
    "https://web.push.apple.com/QOGc6Zx-T_4",
    "https://api-dev.push.apple.com/3/x",
  ];
  for (const url of subscriptions) assert.equal(parsePushUrl(url, PUSH_HOSTS)?.url, url);
});

test("a list's entry is a host, with a port or not, or the subdomains of a domain", () => {
  for (const pattern of [...PUSH_HOSTS, ...HOSTS, "push.internal:8443"]) assert.ok(isPushHostPattern(pattern), pattern);
  for (const pattern of [
    "",
    "*",
    "*.",
    "*.com",
    "a.*.com",
    "*a.example.com",
    "https://a.example",
    "a.example/x",
    "a.example.",
    "a:b",
    "a b",
  ])
    assert.ok(!isPushHostPattern(pattern), pattern);
});

/** The pieces that attacks on URL parsers are made of. */
const piece = fc.constantFrom(
  ...[
    "https:",
    "http:",
    "//",
    "/",
    "\\",
    "///",
    "@",
    ":",
    "443",
    "8443",
    "#",
    "?",
    ".",
    "。",
    "%2E",
    "%2e",
    "%00",
    "%25",
    "%5C",
    "'",
    '"',
    ";",
  ],
  ...["`", "{", "|", "^", "_", "*", "-", "\t", "\n", " ", "\u00ad", "[", "]", "::1", "::ffff:10.0.0.1", "127.0.0.1", "127.1", "0x7f000001"],
  ...[
    "2130706433",
    "0177.0.0.1",
    "localhost",
    "fcm.googleapis.com",
    "notify.windows.com",
    ".notify.windows.com",
    "a",
    "xn--",
    "ß",
    "ｆ",
    "user",
  ],
);
const address = fc.oneof(
  fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join("")),
  fc.array(piece, { maxLength: 8 }).map((pieces) => `https://${pieces.join("")}`),
  fc.array(piece, { maxLength: 4 }).map((pieces) => `https://${pieces.join("")}.notify.windows.com/w`),
  fc.array(piece, { maxLength: 4 }).map((pieces) => `https://fcm.googleapis.com${pieces.join("")}`),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
);

test("whatever passes is dialled at a listed host by every parser of Node's, and passes unchanged a second time", () => {
  let passed = 0;
  fc.assert(
    fc.property(address, (text) => {
      const parsed = parsePushUrl(text, HOSTS);
      if (parsed === undefined) return;
      passed += 1;
      // web-push hands this to https.request.
      const { protocol, auth, hostname, port, path } = legacyParse(parsed.url);
      const url = new URL(parsed.url);
      assert.deepEqual([protocol, auth], ["https:", null]);
      assert.equal(hostname, url.hostname.replace(/^\[|\]$/g, ""));
      assert.equal(port ?? "443", url.port || "443");
      assert.equal(path, url.pathname + url.search);
      const dialled = `${url.hostname}${port === null ? "" : `:${port}`}`;
      assert.equal(dialled, parsed.host);
      assert.ok(HOSTS.includes(dialled) || /^([a-z0-9-]+\.)+notify\.windows\.com$/.test(dialled), dialled);
      assert.deepEqual(canonicalPushUrl(parsed.url), parsed);
    }),
    { numRuns: 20_000, seed: 12 },
  );
  assert.ok(passed > 100, `only ${passed} passed`);
});
