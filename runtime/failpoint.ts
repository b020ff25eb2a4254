import { FAILPOINTS, type Failpoint, type Step } from "../core/failpoints.ts";
import type { Environment } from "./config.ts";
import { OperatorError } from "./operator-error.ts";

/**
 * What CARILLON_FAILPOINT=STEP[:TEXT] asks for: this process kills itself, as `kill -9` would, the first time it reaches the step (with a
 * subject that contains the text). Rejected unless CARILLON_TEST_MODE=1.
 */
export function crashAt(env: Environment): Failpoint {
  const wanted = env.CARILLON_FAILPOINT;
  if (!wanted) return () => {};
  if (env.CARILLON_TEST_MODE !== "1")
    throw new OperatorError(
      "CARILLON_FAILPOINT is set: it makes a process kill itself, and is for tests alone (CARILLON_TEST_MODE=1). Unset it",
    );
  const [name, text = ""] = wanted.split(":", 2);
  const crash = FAILPOINTS.find((step): step is Step => step === name);
  if (!crash) throw new OperatorError(`CARILLON_FAILPOINT: no such step; there are ${FAILPOINTS.join(", ")}`);
  return (step, subject = "") => {
    if (step === crash && subject.includes(text)) process.kill(process.pid, "SIGKILL");
  };
}
