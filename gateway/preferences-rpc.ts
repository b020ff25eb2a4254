import { type MethodDefinition, status } from "@grpc/grpc-js";
import type { AppRecord } from "../core/ports/app-store.ts";
import {
  type PreferenceServiceClient,
  type PreferenceServiceServer,
  PreferenceServiceService,
} from "../gen/carillon/v1/preference_service.ts";
import { callUnary } from "../runtime/grpc/client.ts";
import { internalMetadata } from "../runtime/grpc/internal-call.ts";
import { callError, readDetails } from "../runtime/grpc/status.ts";
import type { Handler, Unary } from "../runtime/grpc/unary.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import { invalidRequest } from "./invalid.ts";

/** Forwards to the preferences service in the name of the app whose key was shown. */
export function createPreferenceForward(
  client: PreferenceServiceClient,
  internalToken: string,
  unary: Unary<AppRecord>,
): PreferenceServiceServer {
  const forward = <Request, Response>(
    method: MethodDefinition<Request, Response>,
    typeName: string,
  ): Handler<Request, Response, AppRecord> => {
    const check = compileValidator(typeName);
    return async (request, { caller, signal, deadlineAt }) => {
      const violations = check(request);
      if (violations.length > 0) return invalidRequest(violations);
      const metadata = internalMetadata(internalToken, caller.id);
      try {
        return await callUnary(client, method, request, { metadata, signal, deadlineMs: Math.max(1, deadlineAt - Date.now()) });
      } catch (error) {
        const { code, message } = readDetails(error);
        if (code === status.INVALID_ARGUMENT) return callError("INVALID_ARGUMENT", "INVALID_FIELD", message);
        return callError("UNAVAILABLE", "UNAVAILABLE", "the preferences service is away; repeat the call");
      }
    };
  };
  const { getPreferences, updatePreferences, checkPreferences } = PreferenceServiceService;
  return {
    getPreferences: unary(forward(getPreferences, "carillon.v1.GetPreferencesRequest")),
    updatePreferences: unary(forward(updatePreferences, "carillon.v1.UpdatePreferencesRequest")),
    checkPreferences: unary(forward(checkPreferences, "carillon.v1.CheckPreferencesRequest")),
  };
}
