import { writeFileSync } from "node:fs";
import { openConfiguredStore, storeVariables } from "../adapters/store/store-config.ts";
import { CHANNELS } from "../core/delivery/channel.ts";
import { createApiKey } from "../operations/apps/api-key.ts";
import { readConfig } from "../runtime/config.ts";
import { readAudit } from "./audit.ts";
import { type Command, fail, text } from "./command.ts";
import { createProgress } from "./dev/progress.ts";
import { sandboxLedger } from "./dev/sandbox-ledger.ts";
import { auditJson, channelTable, checksText, uncertainText } from "./report.ts";

/** What operators do at the store that STORE_URL names. */
export const STORE_COMMANDS: Readonly<Record<string, Command>> = {
  audit: {
    about: "counts the promises over everything stored (STORE_URL), and against a sandbox's ledger; exit status 1 when one is broken",
    usage: "[--ledger SANDBOX_ADMIN_URL] [--json]",
    options: { ledger: { type: "string" }, json: { type: "boolean" } },
    async run({ values, env }) {
      await using store = await openConfiguredStore(readConfig(storeVariables, env));
      const ledger = text(values.ledger);
      const progress = createProgress("audited");
      const audit = await readAudit(store, ledger ? { taken: sandboxLedger(ledger) } : {}, { onRead: progress.add });
      progress.end();
      const report = [channelTable(audit), uncertainText(audit), checksText(audit)].join("\n\n");
      process.stdout.write(values.json === true ? `${JSON.stringify(auditJson(audit), null, 2)}\n` : `${report}\n`);
      return audit.checks.every((c) => c.holds) ? 0 : 1;
    },
  },
  app: {
    about: "registers a calling service, or gives it one more API key, which is printed once, or written to a file (STORE_URL)",
    usage: "ID [--channels apns,fcm,webpush,sms,email] [--out FILE]",
    options: { channels: { type: "string" }, out: { type: "string" } },
    async run({ values, positionals, env }) {
      const id = positionals[0] ?? fail("which app?");
      if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) fail("an app's id is 1 to 63 of a-z, 0-9 and -");
      const named = text(values.channels)?.split(",");
      const channels = named?.map((n) => CHANNELS.find((c) => c === n.trim()) ?? fail(`--channels may hold ${CHANNELS.join(", ")}`));
      await using store = await openConfiguredStore(readConfig(storeVariables, env));
      const before = await store.apps.find(id);
      const { key, hash } = createApiKey();
      await store.apps.put({
        id,
        channels: channels ?? before?.channels ?? [...CHANNELS],
        keyHashes: [...(before?.keyHashes ?? []), hash],
      });
      const out = text(values.out);
      if (out) writeFileSync(out, `${key}\n`, { mode: 0o600 });
      else process.stdout.write(`${key}\n`);
      return 0;
    },
  },
};
