// Loads what any role may load, so that Node's compile cache holds it: node --no-allocation-site-pretenuring cli/load-all.ts, while the image is built.
import { PROVIDERS } from "../providers/list.ts";
import { COMMANDS, loadCommand } from "./commands.ts";
import { loadRoles } from "./roles.ts";

await Promise.all([
  loadRoles(),
  ...PROVIDERS.map((provider) => provider.load()),
  import("../adapters/mongo/open.ts"),
  import("../runtime/trace-export.ts"),
  ...Object.keys(COMMANDS).map(loadCommand),
]);
