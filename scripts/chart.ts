// Generates the tables of the chart's README.md and its values.schema.json from values.yaml.
//
//   chart.ts gen     write both
//   chart.ts fresh   exit code 1 unless both are up to date
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readValuesFile } from "./chart/commented-values.ts";
import { CHART } from "./chart/helm.ts";
import { fillReadme } from "./chart/readme.ts";
import { buildSchema } from "./chart/schema.ts";

const command = process.argv[2] ?? "";
const read = (name: string) => readFileSync(join(CHART, name), "utf8");
const { values, comments } = readValuesFile(read("values.yaml"));
const uncommented = comments.filter(({ comment }) => comment === "").map(({ path }) => path);
if (uncommented.length > 0) throw new Error(`values.yaml: there is no comment above ${uncommented.join(", ")}`);

/** As Biome formats it. */
function formatted(name: string, text: string): string {
  const biome = join(import.meta.dirname, "../node_modules/.bin/biome");
  return execFileSync(biome, ["format", `--stdin-file-path=${name}`], { input: text, encoding: "utf8", cwd: join(CHART, "../../..") });
}

const generated: Readonly<Record<string, string>> = {
  "README.md": fillReadme(read("README.md"), comments),
  "values.schema.json": formatted("values.schema.json", JSON.stringify(buildSchema(values, comments))),
};

switch (command) {
  case "gen":
    for (const [name, text] of Object.entries(generated)) writeFileSync(join(CHART, name), text);
    break;
  case "fresh": {
    const stale = Object.entries(generated).filter(([name, text]) => read(name) !== text);
    for (const [name] of stale) process.stderr.write(`deploy/helm/carillon/${name} is stale: run make chart-gen\n`);
    process.exitCode = stale.length > 0 ? 1 : 0;
    break;
  }
  default:
    process.stderr.write("usage: chart.ts gen | fresh\n");
    process.exitCode = 2;
}
