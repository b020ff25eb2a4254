import { OperatorError } from "../../runtime/operator-error.ts";

/**
 * A call to the database failed or was not confirmed: whether a write happened is unknown until it is repeated.
 * Holds no document, address or credential. Database errors may carry all three, so they are converted where they arise.
 */
export class StoreError extends OperatorError {
  override name = "StoreError";
  /** The database's own code, where it gave one. */
  readonly code: string | undefined;
  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/** Undefined where the store could not be reached, or did not confirm. */
export const unlessAway = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error: unknown) => {
    if (error instanceof StoreError) return undefined;
    throw error;
  });
