import { StoreError } from "../adapters/store/store-error.ts";
import { type CallError, callError, isCallError } from "../runtime/call-error.ts";

export const storeUnavailable: CallError = callError("UNAVAILABLE", "UNAVAILABLE", "the store is unavailable; repeat the call");

/** UNAVAILABLE where the store is; a CallError that is thrown is the answer. */
export async function withStore<T>(work: () => Promise<T>): Promise<T | CallError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError) return storeUnavailable;
    if (isCallError(error)) return error;
    throw error;
  }
}
