// Preloaded into every test file (node --test --import): fails a file whose tests have ended while something still runs in it.
// The test runner's timeout applies to tests; a file with an open socket would never end.
import { after } from "node:test";
import { isMainThread } from "node:worker_threads";

/** After the last test: time for connections to close. */
const CLOSING_MS = 30_000;
/** Deadline of a whole file; the slowest one takes a tenth. */
const FILE_DEADLINE_MS = 600_000;

const isTestFile = isMainThread && process.env.NODE_TEST_CONTEXT !== undefined && /\.test\.ts$/.test(process.argv[1] ?? "");

function failAfter(ms: number, what: string) {
  // Unreferenced: if nothing else keeps the process alive, nothing is left running.
  setTimeout(() => {
    const kept = process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap");
    process.stderr.write(`${process.argv[1]}: ${what} after ${ms / 1000} s, by ${kept.join(", ") || "nothing Node knows of"}\n`);
    process.exit(1);
  }, ms).unref();
}

if (isTestFile) {
  failAfter(FILE_DEADLINE_MS, "still running");
  after(() => failAfter(CLOSING_MS, "its tests are done, but it is kept running"));
}
