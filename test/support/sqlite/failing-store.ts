// A process whose disk fails after it has opened a store: failing-store.ts FILE.
import { openSqliteStore } from "../../../adapters/sqlite/open.ts";
import { sampleNotification } from "../store/samples.ts";
import { openFailingLog } from "./failing-log.ts";

const store = await openSqliteStore(process.argv[2]!, { openLog: openFailingLog });
setInterval(() => undefined, 1_000);
await store.notifications.insert([sampleNotification()]).then(
  () => console.log("answered"),
  (error: unknown) => console.log(`rejected: ${(error as Error).message}`),
);
