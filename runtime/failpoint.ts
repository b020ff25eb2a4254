import { FAILPOINTS, type Failpoint, type Step } from "../core/failpoints.ts";
import type { Environment } from "./config.ts";
import { OperatorError } from "./operator-error.ts";

/**
 * CARILLON_FAILPOINT=NAME[:TEXT] makes this process kill itself with SIGKILL the first time it reaches the failpoint (with a subject that
 * contains the text). Rejected unless CARILLON_TEST_MODE=1.
 */
export function crashAt(env: Environment): Failpoint {
  const wanted = env.CARILLON_FAILPOINT;
  if (!wanted) return () => {};
  if (env.CARILLON_TEST_MODE !== "1")
    throw new OperatorError(
      "CARILLON_FAILPOINT is set: it makes a process kill itself, and is for tests alone (CARILLON_TEST_MODE=1). Unset it",
    );
  const [given, text = ""] = wanted.split(":", 2);
  const crash = FAILPOINTS.find((name): name is Step => name === given);
  if (!crash) throw new OperatorError(`CARILLON_FAILPOINT: unknown failpoint; the names are ${FAILPOINTS.join(", ")}`);
  return (name, subject = "") => {
    if (name === crash && subject.includes(text)) process.kill(process.pid, "SIGKILL");
  };
}
