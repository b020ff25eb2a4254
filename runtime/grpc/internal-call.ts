import { createHash, timingSafeEqual } from "node:crypto";
import { Metadata } from "@grpc/grpc-js";
import { callError } from "../call-error.ts";
import type { Authenticate } from "../handler.ts";
import type { InternalTokens } from "../internal-tokens.ts";

// How our services call one another: the token proves that the caller belongs to this installation, and the caller names the app.
const APP = "carillon-app";
const TOKEN = "carillon-internal";

export interface InternalCaller {
  app: string;
}

export function internalMetadata(tokens: InternalTokens, app: string): Metadata {
  const metadata = new Metadata();
  metadata.set(TOKEN, tokens()[0] ?? "");
  metadata.set(APP, app);
  return metadata;
}

/** UNAUTHENTICATED without a token, PERMISSION_DENIED with a wrong one. Without tokens, and with an empty one, no caller is admitted. */
export function authenticateInternal(tokens: InternalTokens): Authenticate<InternalCaller> {
  return (header) => {
    const given = header(TOKEN);
    if (given === undefined) return callError("UNAUTHENTICATED", "UNAUTHENTICATED", "for services of this installation only");
    if (!isOneOf(given, tokens())) return callError("PERMISSION_DENIED", "UNAUTHENTICATED", "not the token of this installation");
    const app = header(APP);
    return app ? { app } : callError("UNAUTHENTICATED", "UNAUTHENTICATED", `${APP} must name the app`);
  };
}

/** Takes the same time whatever is given: digests have equal lengths, and all are compared. */
function isOneOf(given: string, tokens: readonly string[]): boolean {
  const digested = digest(given);
  const equal = tokens.map((token) => token !== "" && timingSafeEqual(digested, digest(token)));
  return equal.includes(true);
}

const digest = (text: string) => createHash("sha256").update(text).digest();
