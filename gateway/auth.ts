import { callError } from "../runtime/call-error.ts";
import type { Authenticate } from "../runtime/handler.ts";
import type { ApiKeys, AppCaller, KeyVerdict } from "./api-keys.ts";

/** The scheme in any case (RFC 9110, 11.1). */
const BEARER = /^Bearer +([!-~]{1,200})$/i;

/** Finds the app whose API key the call carries. */
export function createAuthenticate(keys: Pick<ApiKeys, "find">): Authenticate<AppCaller> {
  const answer = (verdict: KeyVerdict) => {
    switch (verdict.kind) {
      case "valid":
        return verdict.caller;
      case "rejected":
        return callError("UNAUTHENTICATED", "UNAUTHENTICATED", REJECTED[verdict.why]);
      case "unavailable":
        return callError("UNAVAILABLE", "UNAVAILABLE", UNAVAILABLE[verdict.why], { retryAfterMs: verdict.retryAfterMs });
    }
  };
  return (header) => {
    const key = BEARER.exec(header("authorization") ?? "")?.[1];
    if (key === undefined) return callError("UNAUTHENTICATED", "UNAUTHENTICATED", 'authorization must hold "Bearer <API key>"');
    const verdict = keys.find(key);
    return verdict instanceof Promise ? verdict.then(answer) : answer(verdict);
  };
}

const REJECTED = {
  malformed: "this is no API key of Carillon's: keys begin with ck_; perhaps it was not copied whole",
  unknown: "the API key is not known",
  expired: "the API key has expired",
  revoked: "the API key was revoked",
};
const UNAVAILABLE = {
  store: "the API key cannot be checked: the store is unavailable; repeat with the same idempotency_key",
  "too-many-new-keys": "the API key cannot be checked now: too many unknown keys are tried; repeat with the same idempotency_key",
};
