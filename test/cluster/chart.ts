import { readdirSync } from "node:fs";
import { join } from "node:path";

export const CHART = join(import.meta.dirname, "../../deploy/helm/carillon");
const CI = join(CHART, "ci");

/** deploy/helm/carillon/ci/NAME-values.yaml: name and path. */
export const ciValues = (): { name: string; file: string }[] =>
  readdirSync(CI)
    .filter((f) => f.endsWith("-values.yaml"))
    .sort()
    .map((f) => ({ name: f.replace(/-values\.yaml$/, ""), file: join(CI, f) }));
