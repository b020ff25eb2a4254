// Checks the chart's alerts and dashboards against the services' metrics, and with promtool.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { createMetrics } from "../../runtime/metrics.ts";
import { CHART } from "../../scripts/chart/helm.ts";
import { findHelm } from "./find-helm.ts";
import { firingCases } from "./firing-cases.ts";

const ROOT = join(import.meta.dirname, "../..");
const DASHBOARDS = join(CHART, "files/dashboards");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Metrics of kube-state-metrics (its docs/metrics/workload/). */
const KUBE = [
  "kube_deployment_spec_replicas",
  "kube_deployment_status_replicas_available",
  "kube_horizontalpodautoscaler_spec_max_replicas",
  "kube_horizontalpodautoscaler_status_condition",
  "kube_horizontalpodautoscaler_status_current_replicas",
  "kube_horizontalpodautoscaler_status_desired_replicas",
];

interface Rule {
  alert: string;
  expr: string;
  severity: string;
}

const rules = ["rules.yaml", "rules-channel.yaml"].flatMap((file): Rule[] =>
  parse(read(`deploy/helm/carillon/files/${file}`), { version: "1.1" }),
);

interface Panel {
  type: string;
  title: string;
  targets?: { expr: string }[];
}
const dashboards = readdirSync(DASHBOARDS).map((file) => {
  const board = JSON.parse(readFileSync(join(DASHBOARDS, file), "utf8")) as { uid: string; title: string; panels: Panel[] };
  return { file, ...board, exprs: board.panels.flatMap((panel) => (panel.targets ?? []).map((target) => target.expr)) };
});
const exprs = [...rules.map((r) => r.expr), ...dashboards.flatMap((d) => d.exprs)];

async function knownMetrics(): Promise<Set<string>> {
  const ours = [...read("docs/metrics.md").matchAll(/^\| `(carillon_\w+)` \| (\w+)/gm)].flatMap(([, name = "", type]) =>
    type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  const node = await createMetrics("test", { defaults: true }).registry.getMetricsAsJSON();
  return new Set([...ours, ...node.map((m) => m.name), ...KUBE]);
}

test("each alert has its entry in docs/alerts.md, and each entry its alert; alerts that page say so", () => {
  const entries = read("docs/alerts.md")
    .split(/^## /m)
    .slice(1)
    .map((text) => {
      for (const part of ["Means", "First look", "Do", "Wake"]) assert.ok(text.includes(`- **${part}** `), `${part} in:\n${text}`);
      return `${text.split("\n")[0]} ${/\*\*Wake\*\* (yes|no)\./.exec(text)?.[1]}`;
    });
  assert.deepEqual(
    entries,
    rules.map((r) => `${r.alert} ${{ page: "yes", ticket: "no" }[r.severity]}`),
  );
});

test("every metric of an alert or a dashboard exists", async () => {
  const known = await knownMetrics();
  for (const expr of exprs) {
    const named = expr.replace(/"[^"]*"/g, "").match(/\b[a-z][a-z0-9]*(_[a-z0-9]+){2,}\b/g) ?? [];
    const metrics = named.filter((name) => !["histogram_quantile", "max_over_time"].includes(name));
    assert.ok(metrics.length > 0, expr);
    for (const metric of metrics) assert.ok(known.has(metric), `${metric} in ${expr}`);
  }
});

test("every label value queried is one that the code can set", () => {
  const source = globSync(["{core,gateway,relay,dispatchers,providers,feedback,preferences}/**/*.ts", "runtime/grpc/*.ts"], { cwd: ROOT })
    .filter((path) => !path.endsWith(".test.ts"))
    .map(read)
    .join("\n");
  // `!=` and `!~` too: excluding a value that nothing sets is a mistake.
  const asked = exprs.flatMap((expr) => [...expr.matchAll(/\b(outcome|kind|why|result|settlement|state|reason)(?:=~?|!=|!~)"([^"]+)"/g)]);
  assert.ok(asked.length > 20);
  for (const [, label, values = ""] of asked)
    for (const value of values.split("|")) assert.ok(source.includes(`"${value}"`), `${label}="${value}" is set nowhere`);
});

test("each dashboard has its own uid, every panel a query, and every query selects the namespace", () => {
  assert.deepEqual(new Set(dashboards.map((d) => d.uid)).size, dashboards.length);
  for (const { file, panels } of dashboards)
    for (const { type, title, targets } of panels) {
      if (type === "text") continue;
      assert.ok(title && targets?.length, `${file}: ${title}`);
      for (const { expr } of targets) assert.match(expr, /namespace="\$namespace"/, `${file}: ${title}`);
    }
});

describe("rendered by helm, for Prometheus", () => {
  const helm = findHelm();
  const found = spawnSync(join(ROOT, "scripts/promtool"), { encoding: "utf8" });
  const promtool = found.stdout.trim();
  const skip = !helm
    ? "there is no helm: scripts/kubernetes tools fetches it"
    : found.status !== 0 && `there is no promtool: ${found.stderr.trim()}`;
  let scratch: string;
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), "carillon-rules-"));
  });
  after(() => rmSync(scratch, { recursive: true }));

  function render(...sets: string[]): string {
    const args = ["template", "carillon", CHART, "--namespace", "prod", "--show-only", "templates/prometheusrule.yaml"];
    const all = ["evaluation.enabled=true", "monitoring.force=true", "monitoring.prometheusRule.enabled=true", ...sets];
    const text = execFileSync(helm ?? "", [...args, "--set", all.join(",")], { encoding: "utf8" });
    // A PrometheusRule contains a rule file, indented by two spaces.
    const groups = text.slice(text.indexOf("\nspec:\n") + 7).replace(/^ {2}/gm, "");
    const path = join(scratch, "rules.yaml");
    writeFileSync(path, groups);
    return groups;
  }
  const check = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: scratch, encoding: "utf8" });
    assert.equal(status, 0, `${stdout}${stderr}`);
    return stdout;
  };

  test("promtool accepts every rule, and every variable is replaced", { skip }, () => {
    const text = render();
    assert.match(check("check", "rules", "rules.yaml"), new RegExp(`SUCCESS: ${rules.length - 2 + 2 * 5} rules found`));
    assert.doesNotMatch(text, /\$\{/);
    assert.equal(text.match(/runbook_url: docs\/alerts\.md#carillon[a-z]+$/gm)?.length, rules.length - 2 + 2 * 5);
  });

  test("promtool accepts every expression of the dashboards", { skip }, () => {
    const filled = dashboards
      .flatMap((d) => d.exprs)
      .map((e) => e.replaceAll("$__rate_interval", "5m").replaceAll(/\$(namespace|channel)/g, "x"));
    const records = filled.map((expr, i) => ({ record: `dashboard:expression_${i}`, expr }));
    writeFileSync(join(scratch, "dashboards.yaml"), JSON.stringify({ groups: [{ name: "dashboards", rules: records }] }));
    check("check", "rules", "dashboards.yaml");
  });

  test("a channel that is off, a disabled alert and a missing autoscaler leave no rules", { skip }, () => {
    const disabled = "monitoring.prometheusRule.disabled={CarillonPoison}";
    const text = render("dispatchers.sms.enabled=false", "autoscaler.enabled=false", "autoscaling.mode=off", disabled);
    assert.doesNotMatch(text, /sms|carillon_queue_|carillon_scaling_|CarillonPoison/);
    assert.match(text, /CarillonRelayStalled/);
  });

  test("alerts fire in every faulty case, and none fires otherwise", { skip }, () => {
    render();
    const tests = firingCases.map(({ series, at, firing }) => ({
      interval: "1m",
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        {
          expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
          eval_time: at,
          exp_samples: firing.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
        },
      ],
    }));
    // JSON is YAML.
    writeFileSync(join(scratch, "tests.yaml"), JSON.stringify({ rule_files: ["rules.yaml"], evaluation_interval: "1m", tests }));
    check("test", "rules", "tests.yaml");
    const tried = new Set(firingCases.flatMap((c) => c.firing));
    assert.deepEqual(
      rules.map((r) => r.alert).filter((alert) => !tried.has(alert)),
      [],
      "each alert fires in some case",
    );
  });
});
