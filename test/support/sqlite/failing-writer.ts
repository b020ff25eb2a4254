// The thread of failing-thread.ts.
import { serveWrites } from "../../../adapters/sqlite/serve-writes.ts";
import { openFailingLog } from "./failing-log.ts";

await serveWrites({ openLog: openFailingLog });
