import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startSystem, type TestSystem } from "../support/system.ts";

const PAGE = join(import.meta.dirname, "../../docs/metrics.md");

/** The metrics of all roles as the page's table. */
async function metricsTable(system: TestSystem): Promise<string> {
  const rows = new Map<string, { type: string; help: string; roles: string[] }>();
  for (const role of system.roles) {
    const response = await fetch(`http://${role.addresses.http}/metrics`);
    assert.equal(response.status, 200);
    const printed = await response.text();
    for (const [, name = "", help = ""] of printed.matchAll(/^# HELP (carillon_\S+) (.*)$/gm)) {
      const type = new RegExp(`^# TYPE ${name} (\\S+)$`, "m").exec(printed)?.[1] ?? "";
      const row = rows.get(name) ?? { type, help, roles: [] };
      row.roles.push(role.name.replace(/^dispatcher-.*/, "dispatchers"));
      rows.set(name, row);
    }
  }
  const lines = [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, r]) => `| \`${name}\` | ${r.type} | ${[...new Set(r.roles)].join(", ")} | ${r.help} |`);
  return ["| metric | type | printed by | what it counts |", "| --- | --- | --- | --- |", ...lines].join("\n");
}

/** What alerts wait for: each happens once, or is compared with what does not happen any more. Without a 0 before it Prometheus sees no increase. */
const AT_ZERO: readonly [role: RegExp, series: string][] = [
  [/^gateway$/, 'carillon_notifications_accepted_total{class="critical"'],
  [/^gateway$/, 'carillon_notifications_rejected_total{reason="OVERLOADED"'],
  [/^gateway$/, 'carillon_notifications_rejected_total{reason="UNAVAILABLE"'],
  [/^relay$/, 'carillon_relay_evaluations_total{kind="abandon"'],
  [/^relay$/, "carillon_app_webhook_given_up_total{"],
  [/^dispatcher-sms$/, 'carillon_tasks_settled_total{channel="sms",settlement="term",why="poison"'],
];

test("docs/metrics.md names every metric that the services print, and no other; what alerts wait for is 0 from the start", async () => {
  await using system = await startSystem();
  const table = await metricsTable(system);
  assert.ok(readFileSync(PAGE, "utf8").includes(table), `docs/metrics.md should hold:\n${table}`);
  for (const [role, series] of AT_ZERO) {
    const { addresses } = system.roles.find(({ name }) => role.test(name))!;
    const lines = (await (await fetch(`http://${addresses.http}/metrics`)).text()).split("\n");
    assert.ok(
      lines.some((line) => line.startsWith(series) && line.endsWith("} 0")),
      `${series} …} 0`,
    );
  }
});

test("/readyz?verbose of every service says what it needs, and that all of it is there", async () => {
  await using system = await startSystem();
  for (const { name, addresses } of system.roles) {
    const lines = (await (await fetch(`http://${addresses.http}/readyz?verbose`)).text()).trim().split("\n");
    assert.deepEqual([lines[0], lines.at(-1)], [`[+] ${name}: started`, "ready"]);
    assert.ok(
      lines.slice(0, -1).every((line) => line.startsWith("[+] ")),
      lines.join("\n"),
    );
    if (name !== "autoscaler") assert.match(lines.join("\n"), /^\[\+\] store: answered \d+ s ago$/m);
    if (!["preferences", "feedback", "console"].includes(name)) assert.match(lines.join("\n"), /^\[\+\] NATS: connected$/m);
  }
});

test("every service answers /healthz and /readyz on its port", async () => {
  await using system = await startSystem();
  for (const role of system.roles) {
    for (const path of ["/healthz", "/readyz"])
      assert.equal((await fetch(`http://${role.addresses.http}${path}`)).status, 200, `${role.name} ${path}`);
  }
});
