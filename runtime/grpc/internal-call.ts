import { createHash, timingSafeEqual } from "node:crypto";
import { Metadata } from "@grpc/grpc-js";
import { type CallError, callError } from "./status.ts";

// How our services call one another: the token proves that it is one of us, and then the app may be named freely.
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

/** Who calls; without the token UNAUTHENTICATED, with another one PERMISSION_DENIED. An empty token of ours lets nobody in. */
export function authenticateInternal(token: string): (metadata: Metadata) => InternalCaller | CallError {
  const expected = digest(token);
  return (metadata) => {
    const given = metadata.get(TOKEN)[0];
    if (given === undefined) return callError("UNAUTHENTICATED", "UNAUTHENTICATED", "for services of this installation only");
    // Of equal length once hashed, so that the comparison takes the same time whatever is given.
    const isOurs = timingSafeEqual(digest(given.toString()), expected);
    if (!isOurs || token === "") return callError("PERMISSION_DENIED", "UNAUTHENTICATED", "not the token of this installation");
    const app = metadata.get(APP)[0]?.toString();
    return app ? { app } : callError("UNAUTHENTICATED", "UNAUTHENTICATED", `${APP} does not say for which app`);
  };
}

const digest = (text: string) => createHash("sha256").update(text).digest();
