import { type CallError, callError } from "../runtime/grpc/status.ts";
import type { Violation } from "../runtime/grpc/validate.ts";

/** INVALID_ARGUMENT with every field; for those who read only the message, the first field and its rule. */
export function invalidRequest(fields: readonly Violation[]): CallError {
  const [first, ...rest] = fields;
  const more = rest.length > 0 ? ` (and ${rest.length} more)` : "";
  return callError("INVALID_ARGUMENT", "INVALID_FIELD", first ? `${first.field}: ${first.message}${more}` : "invalid", { fields });
}
