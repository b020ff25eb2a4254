import { OperatorError } from "../../runtime/operator-error.ts";

/**
 * The database did not do what was asked, or did not say so: for a write, whether it happened is unknown until it is repeated.
 * Holds no document, no address and no credential: database errors carry all three, so they are converted where they arise.
 */
export class StoreError extends OperatorError {
  override name = "StoreError";
  /** The database's own name or number for it, where it gave one. */
  readonly code: string | undefined;
  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}
