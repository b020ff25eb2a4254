import { createHash, timingSafeEqual } from "node:crypto";
import { Metadata } from "@grpc/grpc-js";
import { callError } from "../call-error.ts";
import type { Authenticate } from "../handler.ts";

// How our services call one another: the token proves that the caller belongs to this installation, and the caller names the app.
const APP = "carillon-app";
const TOKEN = "carillon-internal";

export interface InternalCaller {
  app: string;
}

export function internalMetadata(token: string, app: string): Metadata {
  const metadata = new Metadata();
  metadata.set(TOKEN, token);
  metadata.set(APP, app);
  return metadata;
}

/** UNAUTHENTICATED without a token, PERMISSION_DENIED with a wrong one. An empty `token` admits no caller. */
export function authenticateInternal(token: string): Authenticate<InternalCaller> {
  const expected = digest(token);
  return (header) => {
    const given = header(TOKEN);
    if (given === undefined) return callError("UNAUTHENTICATED", "UNAUTHENTICATED", "for services of this installation only");
    // Digests have equal lengths, so the comparison takes constant time.
    const isOurs = timingSafeEqual(digest(given), expected);
    if (!isOurs || token === "") return callError("PERMISSION_DENIED", "UNAUTHENTICATED", "not the token of this installation");
    const app = header(APP);
    return app ? { app } : callError("UNAUTHENTICATED", "UNAUTHENTICATED", `${APP} must name the app`);
  };
}

const digest = (text: string) => createHash("sha256").update(text).digest();
