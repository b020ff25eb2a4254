// The thread that writer-thread.ts starts.
import { serveWrites } from "./serve-writes.ts";

await serveWrites();
