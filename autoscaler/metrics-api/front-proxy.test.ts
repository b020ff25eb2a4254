import assert from "node:assert/strict";
import { test } from "node:test";
import { type FrontProxy, frontProxyOf, identify, type Peer, parseFrontProxy } from "./front-proxy.ts";
import { createSigner } from "./test/front-proxy.ts";

const { cert: ca } = await createSigner("front-proxy-ca");
const data = { "requestheader-client-ca-file": ca, "requestheader-allowed-names": '["front-proxy-client"]' };

test("the ConfigMap names the authority, the common names and the headers", () => {
  const all = {
    ...data,
    "requestheader-username-headers": '["X-User","X-Remote-User"]',
    "requestheader-uid-headers": '["X-Uid"]',
    "requestheader-group-headers": '["X-Group"]',
    "requestheader-extra-headers-prefix": '["X-Extra-"]',
  };
  assert.deepEqual(parseFrontProxy(all), {
    ca,
    names: ["front-proxy-client"],
    userHeaders: ["x-user", "x-remote-user"],
    uidHeaders: ["x-uid"],
    groupHeaders: ["x-group"],
    extraPrefixes: ["x-extra-"],
  });
});

const USUAL = {
  userHeaders: ["x-remote-user"],
  uidHeaders: ["x-remote-uid"],
  groupHeaders: ["x-remote-group"],
  extraPrefixes: ["x-remote-extra-"],
};

test("headers the ConfigMap does not name are the default ones", () => {
  assert.deepEqual(parseFrontProxy({ ...data, "requestheader-group-headers": "[]" }), { ca, names: ["front-proxy-client"], ...USUAL });
  assert.deepEqual(frontProxyOf(ca, []), { ca, names: [], ...USUAL });
});

const UNUSABLE: readonly [what: string, data: Record<string, unknown>][] = [
  ["no authority", {}],
  ["an empty authority", { ...data, "requestheader-client-ca-file": "" }],
  ["an authority that cannot be read", { ...data, "requestheader-client-ca-file": ca.replace(/[A-Za-z]{8}/, "********") }],
  ["a good authority and one that cannot be read", { ...data, "requestheader-client-ca-file": ca + ca.replace(/M[A-Za-z]{6}/, "%%%") }],
  // Read as an empty list, it would accept every name.
  ["names that cannot be read", { ...data, "requestheader-allowed-names": "front-proxy-client" }],
  ["names that are no strings", { ...data, "requestheader-allowed-names": "[1]" }],
];
for (const [what, given] of UNUSABLE)
  test(`a ConfigMap with ${what} is rejected`, () => {
    assert.equal(parseFrontProxy(given), undefined);
  });

const frontProxy: FrontProxy = { ca, names: ["front-proxy-client", "another"], ...USUAL };
const verified: Peer = { kind: "verified", commonName: "front-proxy-client" };
const jane = { "x-remote-user": ["jane"] };

test("the headers of the front proxy name the caller", () => {
  const headers = {
    "x-remote-user": ["system:serviceaccount:kube-system:horizontal-pod-autoscaler"],
    "x-remote-uid": ["u-1"],
    "x-remote-group": ["system:serviceaccounts", "", "system:authenticated"],
    "x-remote-extra-authentication.kubernetes.io%2fcredential-id": ["JTI=1"],
    "x-remote-extra-broken%": ["1", "2"],
    "x-other": ["x"],
  };
  assert.deepEqual(identify(frontProxy, verified, headers), {
    kind: "caller",
    caller: {
      user: "system:serviceaccount:kube-system:horizontal-pod-autoscaler",
      uid: "u-1",
      groups: ["system:serviceaccounts", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["JTI=1"], "broken%": ["1", "2"] },
    },
  });
});

test("of several user headers the first with a value counts", () => {
  const two = { ...frontProxy, userHeaders: ["x-first", "x-second"] };
  const identified = identify(two, verified, { "x-first": [""], "x-second": ["jane"], "x-remote-user": ["admin"] });
  assert.deepEqual(identified, { kind: "caller", caller: { user: "jane", uid: undefined, groups: [], extra: {} } });
});

test("without common names every certificate of the authority is accepted", () => {
  assert.equal(identify({ ...frontProxy, names: [] }, { kind: "verified", commonName: undefined }, jane).kind, "caller");
});

const STRANGERS: readonly [what: string, peer: Peer, headers: NodeJS.Dict<string[]>, why: RegExp][] = [
  ["a client without a certificate", { kind: "none" }, jane, /no client certificate/],
  [
    "a client of another CA",
    { kind: "unverified", why: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
    jane,
    /not the front proxy's \(UNABLE_TO_VERIFY/,
  ],
  ["a client with another name", { kind: "verified", commonName: "admin" }, jane, /common name/],
  ["a client without a name", { kind: "verified", commonName: undefined }, jane, /common name/],
  ["a proxy that sends no user", verified, { "x-remote-group": ["system:masters"] }, /no x-remote-user header/],
  ["a proxy that sends an empty user", verified, { "x-remote-user": [""] }, /no x-remote-user header/],
];
for (const [what, peer, headers, why] of STRANGERS)
  test(`a request from ${what} is rejected`, () => {
    const identified = identify(frontProxy, peer, headers);
    assert.equal(identified.kind, "rejected");
    assert.match(identified.kind === "rejected" ? identified.why : "", why);
  });
