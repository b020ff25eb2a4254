import { type Profiler, Session } from "node:inspector";

/**
 * V8's own precise coverage of this process, started once and kept: V8 counts blocks only in functions that were first called while it runs. So
 * import this file before what it is to watch.
 */
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

/**
 * The blocks that ran since the last call, and those left out by functions that ran. Costs milliseconds, for it goes through every function that is
 * loaded.
 * @param files matches the URLs of the files that count
 */
export function takeCoverage(files: RegExp): string[] {
  let found: Profiler.ScriptCoverage[] = [];
  // The session is of this thread: the callback has run when post() returns.
  session.post("Profiler.takePreciseCoverage", (error, answer) => {
    if (error) throw error;
    found = answer.result;
  });
  return found
    .filter(({ url }) => files.test(url))
    .flatMap(({ scriptId, functions }) =>
      functions.flatMap(({ ranges }) =>
        // That a block did not run, in a function that did, tells inputs apart as well: where a condition ends a function, the rest of it has no
        // range of its own unless both ways were taken.
        ranges.map(({ startOffset, endOffset, count }) => `${scriptId}:${startOffset}-${endOffset}:${count > 0 ? "run" : "not run"}`),
      ),
    );
}
