import { type MethodDefinition, status } from "@grpc/grpc-js";
import { PreferenceServiceClient, PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { type CallError, callError } from "../../runtime/call-error.ts";
import { callUnary, createClient } from "../../runtime/grpc/client.ts";
import { internalMetadata } from "../../runtime/grpc/internal-call.ts";
import { readDetails } from "../../runtime/grpc/status.ts";
import type { CallContext } from "../../runtime/handler.ts";
import type { InternalTokens } from "../../runtime/internal-tokens.ts";
import type { Certificates } from "../../runtime/tls/grpc-tls.ts";

/** Reasons of FAILED_PRECONDITION that are passed on; any other becomes TOO_MANY_OPT_OUTS. */
const KNOWN_REFUSALS = ["CATEGORY_REQUIRED", "LINKS_OFF"] as const;

/** Calls the preferences service in the name of an app, within the deadline of the call being answered. */
export function createPreferencesClient(options: {
  /** host:port, or dns:///name:port */
  address: string;
  tokens: InternalTokens;
  tls?: Certificates | undefined;
}) {
  const client = createClient(PreferenceServiceClient, options.address, { tls: options.tls });

  const call =
    <Request, Response>(method: MethodDefinition<Request, Response>) =>
    async (
      app: string,
      request: Request,
      { signal, deadlineAt }: Pick<CallContext<unknown>, "signal" | "deadlineAt">,
    ): Promise<Response | CallError> => {
      const metadata = internalMetadata(options.tokens, app);
      try {
        return await callUnary(client, method, request, { metadata, signal, deadlineMs: Math.max(1, deadlineAt - Date.now()) });
      } catch (error) {
        const { code, message, fields, reason } = readDetails(error);
        if (code === status.FAILED_PRECONDITION) {
          const known = KNOWN_REFUSALS.find((one) => one === reason) ?? "TOO_MANY_OPT_OUTS";
          return callError("FAILED_PRECONDITION", known, message, { fields });
        }
        if (code === status.INVALID_ARGUMENT) return callError("INVALID_ARGUMENT", "INVALID_FIELD", message);
        return callError("UNAVAILABLE", "UNAVAILABLE", "the preferences service is unavailable; repeat the call");
      }
    };

  const { getPreferences, updatePreferences, listPreferenceChanges, liftBlock, createPreferencesLink, checkPreferences } =
    PreferenceServiceService;
  return {
    getPreferences: call(getPreferences),
    updatePreferences: call(updatePreferences),
    listPreferenceChanges: call(listPreferenceChanges),
    liftBlock: call(liftBlock),
    createPreferencesLink: call(createPreferencesLink),
    checkPreferences: call(checkPreferences),
    [Symbol.dispose]: () => client.close(),
  };
}
