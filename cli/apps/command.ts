import { writeFileSync } from "node:fs";
import { openConfiguredStore, storeVariables } from "../../adapters/store/store-config.ts";
import { APP_ID } from "../../core/apps/app.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { grantApiKey } from "../../operations/apps/grant-key.ts";
import { readConfig } from "../../runtime/config.ts";
import { type Command, fail, text } from "../command.ts";

export const APP_COMMANDS: Readonly<Record<string, Command>> = {
  app: {
    about: "registers a calling app, or adds an API key to it; prints the key once, or writes it to --out (STORE_URL)",
    usage: "ID [--channels apns,fcm,webpush,sms,email] [--out FILE]",
    options: { channels: { type: "string" }, out: { type: "string" } },
    async run({ values, positionals, env }) {
      const id = positionals[0] ?? fail("the app's ID is missing");
      if (!APP_ID.test(id)) fail("ID must be 1 to 63 of a-z, 0-9 and -, and not begin with -");
      const named = text(values.channels)?.split(",");
      const channels = named?.map((n) => CHANNELS.find((c) => c === n.trim()) ?? fail(`--channels may contain ${CHANNELS.join(", ")}`));
      await using store = await openConfiguredStore(readConfig(storeVariables, env));
      const { key } = await grantApiKey(store.apps, { id, channels });
      const out = text(values.out);
      if (out) writeFileSync(out, `${key}\n`, { mode: 0o600 });
      else process.stdout.write(`${key}\n`);
      return 0;
    },
  },
};
