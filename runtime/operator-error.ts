/** A fault that an operator must fix, and can: the message says what, where and how. Printed without a stack; ends the process with exit status 1. */
export class OperatorError extends Error {
  override name = "OperatorError";
}
