import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findFaults } from "./support/architecture.ts";

const root = join(import.meta.dirname, "..");

test("every file in the tree keeps the rules", () => {
  const paths = globSync("**/*.ts", { cwd: root, exclude: (name) => ["node_modules", ".git", ".cache"].includes(name) });
  assert.ok(paths.length > 50, `only ${paths.length} files were found`);
  const files = paths.sort().map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
  assert.deepEqual(findFaults(files), []);
});

test("a part that can be left out has one line outside its folder at most", () => {
  const lines = readFileSync(join(root, "autoscaler/rate-apis.ts"), "utf8").split("\n");
  assert.ok(lines.filter((line) => line.includes("metrics-api")).length <= 1);
});

const faultsOf = (path: string, text: string) => findFaults([{ path, text }]);

const BROKEN: readonly [rule: string, path: string, text: string, fault: RegExp][] = [
  ["core imports a package", "core/delivery/decide.ts", 'import { z } from "zod";', /^core\/delivery\/decide\.ts:1: imports zod/],
  ["core imports node", "core/delivery/decide.ts", '\nimport { hash } from "node:crypto";', /^core\/delivery\/decide\.ts:2: /],
  ["core imports runtime's types", "core/delivery/decide.ts", 'import type { Clock } from "../../runtime/clock.ts";', /itself only/],
  ["runtime imports a service", "runtime/run.ts", 'import { accept } from "../gateway/accept.ts";', /imports gateway\/accept\.ts/],
  ["runtime knows the domain", "runtime/hash.ts", 'import type { Endpoint } from "../core/delivery/endpoint.ts";', /clock's port/],
  ["runtime knows our messages", "runtime/grpc/a.ts", 'import { A } from "../../gen/carillon/v1/a.ts";', /only google\.rpc/],
  ["runtime imports a service lazily", "runtime/run.ts", 'const x = await import("../gateway/accept.ts");', /imports gateway\/accept\.ts/],
  ["a service imports another", "relay/relay.ts", 'export { accept } from "../gateway/accept.ts";', /imports gateway\/accept\.ts/],
  ["a service imports another by alias", "relay/relay.ts", 'import {\n  a,\n  b,\n} from "#sandbox/main.ts";', /imports sandbox\/main\.ts/],
  ["a service imports test support", "relay/relay.ts", 'import "../test/support/servers.ts";', /imports test\//],
  [
    "the sandbox imports core",
    "sandbox/apns/simulator.ts",
    'import type { Outcome } from "../../core/delivery/outcome.ts";',
    /sandbox\/ may import web and itself/,
  ],
  ["the gateway imports a provider", "gateway/preview.ts", 'import { x } from "../providers/list.ts";', /only the previews/],
  ["a channel imports another", "providers/apns/provider.ts", 'import { x } from "../fcm/classify.ts";', /one another/],
  ["a change made elsewhere", "relay/relay.ts", "const c = { set: {} } as DeliveryChange;", /only core\/delivery\/transitions\.ts/],
  ["a change without an audit line", "relay/relay.ts", "await store.preferences.update(app, subject, change, 1);", /no audit line/],
  ["what pages share imports one of them", "web/client/live.ts", 'import type { A } from "../../sandbox/inbox/view.ts";', /itself only/],
  ["the sandbox imports core through its pages", "sandbox/inbox/api.ts", 'import { A } from "../../core/a.ts";', /may import web/],
  ["a service serves pages that only the sandbox has", "relay/main.ts", 'import { A } from "../web/server/a.ts";', /relay\/ may import/],
  ["what simulators share imports their list", "sandbox/kit/faults.ts", 'import { A } from "../list.ts";', /nothing else of sandbox\//],
  ["what simulators share imports one", "sandbox/kit/ledger.ts", 'import type { A } from "../apns/index.ts";', /one another/],
  ["what providers share imports a file beside it", "providers/transport/a.ts", 'import { A } from "../list.ts";', /pass it in/],
  ["a file imports itself", "core/a.ts", 'import type { A } from "./a.ts";', /import circle core\/a\.ts → core\/a\.ts/],
  ["a service starts a server", "relay/main.ts", 'import { startLocalNats } from "../cli/dev/local-servers.ts";', /relay\/ may import/],
  [
    "a service opens Redis",
    "preferences/check.ts",
    'import { connectRedis } from "../adapters/redis/connect.ts";',
    /only main\.ts opens.*connectRedis/,
  ],
  ["a decision does HTTP", "gateway/accept.ts", "import { request } from 'node:http';", /network packages/],
  ["a table calls its SDK", "providers/twilio/classify.ts", 'import twilio from "twilio";', /only its types/],
  [
    "a part that can be left out is imported",
    "autoscaler/main.ts",
    'import { startMetricsApi } from "./metrics-api/main.ts";',
    /can be left out, so only autoscaler\/rate-apis\.ts may import/,
  ],
  ["a test imports a part that can be left out", "autoscaler/main.test.ts", 'import "./metrics-api/test/world.ts";', /can be left out/],
  ["a program imports a test's helper", "autoscaler/metrics-api/main.ts", 'import "./test/world.ts";', /only tests may import/],
  [
    "a handler knows a type of gRPC",
    "gateway/contact-handlers.ts",
    'import type { ServerUnaryCall } from "@grpc/grpc-js";',
    /handlers know no gRPC/,
  ],
  [
    "a production command loads the development system",
    "cli/audit/command.ts",
    'import { createProgress } from "../dev/progress.ts";',
    /only cli\/dev\/, tests/,
  ],
  [
    "a use case imports the CLI",
    "operations/audit/read-audit.ts",
    'import { table } from "../../cli/table.ts";',
    /operations\/ may import/,
  ],
  ["a use case imports a service", "operations/apps/a.ts", 'import { a } from "../../gateway/auth.ts";', /operations\/ may import/],
  ["a use case prints", "operations/audit/a.ts", 'process.stdout.write("a");', /plain data/],
  ["an enum", "core/a.ts", "export const enum Kind {}", /^core\/a\.ts:1: enum/],
  ["a namespace", "core/a.ts", "// one\nnamespace Kinds {}", /^core\/a\.ts:2: namespace/],
  ["a parameter property", "core/a.ts", "class A {\n  constructor(private readonly b: string) {}\n}", /parameter property/],
  ["a long file", "core/a.ts", "const a = 1;\n".repeat(401), /401 lines\. Which two things is it\?/],
  ["test.only", "core/a.test.ts", 'test.only("a", () => {});', /only/],
  ["only: true", "core/a.test.ts", 'test("a", { only: true }, () => {});', /only/],
  ["a skip without a reason", "core/a.test.ts", 'test("a", { skip: true }, () => {});', /says why/],
  ["a skip without a reason, inside", "core/a.test.ts", 'test("a", (t) => t.skip());', /says why/],
  ["test.skip", "core/a.test.ts", 'test.skip("a", () => {});', /says why/],
];

for (const [rule, path, text, fault] of BROKEN)
  test(`notices: ${rule}`, () => {
    const faults = faultsOf(path, text);
    assert.equal(faults.length, 1, faults.join("\n"));
    assert.match(faults[0]!, fault);
  });

const KEPT: readonly [rule: string, path: string, text: string][] = [
  ["ports are built on core", "core/ports/queue.ts", 'import type { Channel } from "../channel.ts";'],
  ["runtime knows the clock", "runtime/batch.ts", 'import type { Clock } from "../core/ports/clock.ts";'],
  ["the list of commands names those of the development system", "cli/commands.ts", 'import { A } from "./dev/commands.ts";'],
  ["the gateway previews requests", "gateway/preview.ts", 'import { x } from "../providers/previewers.ts";'],
  ["main.ts wires", "relay/main.ts", 'import { connectNats } from "../adapters/nats/connect.ts";'],
  [
    "a handler knows the types",
    "preferences/check.ts",
    'import { type Redis, type A } from "ioredis";\nimport type { B } from "../adapters/redis/connect.ts";',
  ],
  ["what simulators share imports its own folder", "sandbox/kit/faults.ts", 'import { A } from "./read.ts";'],
  ["the sandbox's pages use what all share", "sandbox/inbox/client/a.ts", 'import { A } from "../../../web/client/a.ts";'],
  ["a service uses what it was handed", "preferences/check.ts", 'import { createOptOutSets } from "../adapters/opt-outs/opt-out-sets.ts";'],
  ["runtime serves handlers over gRPC", "runtime/grpc/serve-handlers.ts", 'import { status } from "@grpc/grpc-js";'],
  [
    "a channel uses what all share",
    "providers/apns/provider.ts",
    'import { x } from "../transport-fault.ts";\nimport http from "node:http2";',
  ],
  [
    "a comment or a string is no import",
    "core/a.ts",
    '// import { a } from "zod";\nconst b = `import { a } from "zod"`;\nconst c = /["\'`]/;',
  ],
  ["a parameter may be readonly in its type", "core/a.ts", "class A {\n  constructor(b: readonly string[], c: string) {}\n}"],
  ["a word is no declaration", "core/a.ts", 'const text = "enum Kind {}"; // namespace A\nconst enumeration = 1;'],
  ["a test may import what it tests with", "core/a.test.ts", 'import fc from "fast-check";\nimport "../sandbox/main.ts";'],
  ["a part that can be left out has its line", "autoscaler/rate-apis.ts", 'export { metricsApi } from "./metrics-api/rate-api.ts";'],
  [
    "a test's helper beside it",
    "autoscaler/metrics-api/test/world.ts",
    'import "node:https";\nimport "../../../test/support/fake-clock.ts";',
  ],
  ["a skip with a reason", "core/a.test.ts", 'test("a", { skip: python ? false : "python3 is missing" }, (t) => t.skip("why"));'],
  ["a file of the most lines allowed", "core/a.ts", "const a = 1;\n".repeat(400)],
];

for (const [rule, path, text] of KEPT)
  test(`allows: ${rule}`, () => {
    assert.deepEqual(faultsOf(path, text), []);
  });

test("notices: a circle of imports, of types too, once", () => {
  const files = [
    { path: "core/a.ts", text: 'import { b } from "./b.ts";' },
    { path: "core/b.ts", text: '\nimport type { C } from "./c.ts";\nimport "./d.ts";' },
    { path: "core/c.ts", text: 'export { a } from "./a.ts";' },
    { path: "core/d.ts", text: "" },
  ];
  assert.deepEqual(findFaults(files), ["core/c.ts:1: imports core/a.ts: import circle core/a.ts → core/b.ts → core/c.ts → core/a.ts"]);
});

test("notices: a preview that loads what can call a provider, through another file", () => {
  const files = [
    { path: "providers/previewers.ts", text: 'import { a } from "./apns/preview.ts";\nimport type { B } from "./apns/b.ts";' },
    { path: "providers/apns/preview.ts", text: 'import type { C } from "apns2";\nimport { d } from "../transport/d.ts";' },
    { path: "providers/apns/b.ts", text: 'import http2 from "node:http2";' },
    { path: "providers/transport/d.ts", text: '\nimport https from "node:https";' },
  ];
  assert.deepEqual(findFaults(files), [
    "providers/transport/d.ts:2: imports node:https: providers/previewers.ts loads it, for gateways that call nobody",
  ]);
});

test("allows: two ways to one file", () => {
  const files = [
    { path: "core/a.ts", text: 'import { b } from "./b.ts";\nimport { c } from "./c.ts";' },
    { path: "core/b.ts", text: 'import { c } from "./c.ts";' },
    { path: "core/c.ts", text: "" },
  ];
  assert.deepEqual(findFaults(files), []);
});
