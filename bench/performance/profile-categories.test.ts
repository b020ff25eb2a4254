import assert from "node:assert/strict";
import { test } from "node:test";
import { type CpuProfile, categoryOf, selfTimes } from "./profile-categories.ts";

const ROOT = "/srv/app";
const frame = (url: string, functionName = "f") => ({ functionName, url });

test("names the part of the system, of Node or the package that a function belongs to", () => {
  const named = [
    "file:///srv/app/adapters/sqlite/attempts.ts",
    "file:///srv/app/providers/apns/payload.ts",
    "file:///srv/app/node_modules/@nats-io/jetstream/lib/jsclient.js",
    "file:///srv/app/node_modules/lru-cache/dist/index.js",
    "node:internal/http2/core",
    "node:events",
  ].map((url) => categoryOf(frame(url), ROOT));
  assert.deepEqual(named, ["store", "providers", "NATS", "lru-cache", "node http2", "node events"]);
});

test("sums own time within the window; native code counts for its caller, and idle time does not count", () => {
  const profile: CpuProfile = {
    startTime: 1_000,
    nodes: [
      { id: 1, callFrame: frame("", "(root)"), children: [2, 4, 5, 6] },
      { id: 2, callFrame: frame("node:net"), children: [3] },
      { id: 3, callFrame: frame("", "writev") },
      { id: 4, callFrame: frame("", "(idle)") },
      { id: 5, callFrame: frame("", "(garbage collector)") },
      { id: 6, callFrame: frame("", "(program)") },
    ],
    samples: [2, 3, 4, 5, 6, 2],
    timeDeltas: [10, 20, 40, 80, 160, 320],
  };
  const times = selfTimes(profile, ROOT, { from: 1_020, to: 1_310 });
  assert.deepEqual(
    [...times],
    [
      ["node net", 20],
      ["garbage collection", 80],
      ["native code", 160],
    ],
  );
});
