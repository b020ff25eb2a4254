// A process whose disk fails after its writing thread has opened the file: failing-thread.ts FILE.
import { useWriterThread } from "../../../adapters/sqlite/writer-thread.ts";

const { writes } = await useWriterThread(process.argv[2]!, { program: new URL("./failing-writer.ts", import.meta.url) });
setInterval(() => undefined, 1_000);
await writes.begin("upload", 0).then(
  () => console.log("answered"),
  (error: unknown) => console.log(`rejected: ${(error as Error).message}`),
);
