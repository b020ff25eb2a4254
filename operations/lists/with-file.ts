import { OperatorError } from "../../runtime/operator-error.ts";

/** A file that cannot be used is the operator's to mend. @param verb "read" or "written" */
export function withFile<T>(path: string, verb: "read" | "written", work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    throw syscall === undefined ? error : new OperatorError(`${path} cannot be ${verb} (${code})`);
  }
}
