import { StoreError } from "../../adapters/store/store-error.ts";
import type { AppRecord } from "../../core/ports/app-store.ts";
import type { EraseUserRequest, EraseUserResponse, ExportUserRequest, ExportUserResponse } from "../../gen/carillon/v1/profile_service.ts";
import { type CallError, callError, invalidRequest } from "../../runtime/call-error.ts";
import { compileValidator } from "../../runtime/grpc/validate.ts";
import type { Handler, StreamHandler } from "../../runtime/handler.ts";
import type { Logger } from "../../runtime/logger.ts";
import { storeUnavailable, withStore } from "../with-store.ts";
import { type EraseUserParts, eraseUser } from "./erase-user.ts";
import { type ExportStore, exportUser } from "./export-user.ts";

/** What is left of a call's time for the last steps, in ms, when no further page is begun. */
const FINISH_MS = 3_000;

export interface ErasureHandlers {
  exportUser: StreamHandler<ExportUserRequest, ExportUserResponse, AppRecord>;
  eraseUser: Handler<EraseUserRequest, EraseUserResponse, AppRecord>;
}

/** @param parts.erase undefined: the installation has no key (ERASURE_KEY_FILE) */
export function createErasureHandlers({
  store,
  erase,
  log,
}: {
  store: ExportStore;
  erase: EraseUserParts | undefined;
  log: Logger;
}): ErasureHandlers {
  const checkExport = compileValidator("carillon.v1.ExportUserRequest");
  const checkErase = compileValidator("carillon.v1.EraseUserRequest");
  return {
    exportUser(request, { caller, signal }) {
      const violations = checkExport(request);
      if (violations.length > 0) return invalidRequest(violations);
      const { userId, clearEndpoints } = request;
      const documents = exportUser(store, { app: caller.id, userId }, clearEndpoints ? (endpoint) => endpoint : undefined);
      return untilAborted(documents, signal);
    },
    async eraseUser(request, { caller, deadlineAt, signal }) {
      const violations = checkErase(request);
      if (violations.length > 0) return invalidRequest(violations);
      if (!erase) return noKey;
      const { userId, requestedBy } = request;
      const hasTime = () => !signal.aborted && Date.now() < deadlineAt - FINISH_MS;
      return withStore(async () => {
        const report = await eraseUser(erase, { app: caller.id, userId, requestedBy }, hasTime);
        const { user_hash, complete, erased, cancelled, in_flight } = report;
        log.info(
          { app: caller.id, userHash: user_hash, complete, erased, cancelled, inFlight: in_flight },
          complete ? "a user was erased" : "a user was erased in part",
        );
        const text = JSON.stringify(report);
        return { report: text, signature: erase.key.sign(text), cancelled };
      });
    },
  };
}

async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  try {
    for await (const item of items) {
      if (signal.aborted) return;
      yield item;
    }
  } catch (error) {
    // Thrown, it becomes the status.
    throw error instanceof StoreError ? storeUnavailable : error;
  }
}

const noKey: CallError = callError(
  "FAILED_PRECONDITION",
  "NO_ERASURE_KEY",
  "ERASURE_KEY_FILE is not set at the gateway: without that key an import could bring back a user who was erased",
);
