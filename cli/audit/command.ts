import { readAudit } from "../../operations/audit/read-audit.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type Command, fail, isHttpUrl, text } from "../command.ts";
import { openNamedStore } from "../open-store.ts";
import { printResult } from "../output.ts";
import { createProgress } from "../progress.ts";
import { auditJson, channelTable, checksText, uncertainText } from "./report.ts";
import { sandboxLedger } from "./sandbox-ledger.ts";

export const AUDIT_COMMANDS: Readonly<Record<string, Command>> = {
  audit: {
    about:
      "checks the delivery promises against everything stored (STORE_URL) and, with --ledger, against a sandbox's ledger; exit status 1 if one is broken",
    usage: "[--ledger SANDBOX_ADMIN_URL] [--json]",
    options: { ledger: { type: "string" }, json: { type: "boolean" } },
    async run({ values, env }) {
      const ledger = text(values.ledger);
      if (ledger !== undefined && !isHttpUrl(ledger)) fail("--ledger must be the sandbox's admin URL, such as http://127.0.0.1:7750");
      await using store = await openNamedStore(env);
      const progress = createProgress("audited");
      const audit = await readAudit({ store, clock: systemClock }, ledger ? { taken: sandboxLedger(ledger) } : {}, {
        onProgress: ({ kind, notifications }) => kind === "read" && progress.add(notifications),
      });
      progress.end();
      if (audit.notifications === 0) process.stderr.write("carillon: the store is empty: there is nothing to check\n");
      printResult(values, auditJson(audit), () => [channelTable(audit), uncertainText(audit), checksText(audit)].join("\n\n"));
      return audit.checks.every((c) => c.holds) ? 0 : 1;
    },
  },
};
