import { errorLine } from "../runtime/logger.ts";
import { OperatorError } from "../runtime/operator-error.ts";

/** A server that cannot be reached at start: which, where, how to fix it. Exit status 1, no stack. */
export class UnreachableError extends OperatorError {
  override name = "UnreachableError";
  /** @param where host and port, never a credential */
  constructor(server: string, where: string, remedy: string, cause: unknown) {
    const why = errorLine(cause);
    super(`${server} cannot be reached at ${where} (${why.code ?? why.message}); ${remedy}`);
  }
}
