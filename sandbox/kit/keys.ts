import { createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { textOf } from "./read.ts";

export const randomHex = (bytes: number) => randomBytes(bytes).toString("hex");

export const makeP256Pem = () =>
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }).toString();

/** The private scalar of a new P-256 key, base64url. */
export const makeP256Scalar = () => textOf(createPrivateKey(makeP256Pem()).export({ format: "jwk" }).d);
