import { createPublicKey, type KeyObject } from "node:crypto";
import { isSignedBy, parseJwt } from "../kit/jwt.ts";
import { textOf } from "../kit/read.ts";

/** RFC 8292: at most a day ahead. */
const EXPIRY_LONGEST_S = 86_400;
/** Verified headers remembered: clients sign once for many sends. */
const VERIFIED_MAX = 1_000;

export type VapidFault = { kind: "missing"; detail: string } | { kind: "rejected"; detail: string };

/** Checks `vapid t=…, k=…` headers against the one key the sandbox's subscriptions were made with. */
export function createVapidCheck(publicKey: string, now: () => number) {
  const key = p256Key(publicKey);
  /** Header and origin → exp, seconds. */
  const verified = new Map<string, number>();
  const rejected = (detail: string): VapidFault => ({ kind: "rejected", detail });

  return (header: string | undefined, origin: string): VapidFault | undefined => {
    const seconds = now() / 1_000;
    if ((verified.get(`${origin} ${header}`) ?? 0) > seconds) return undefined;
    const jwtText = /\bt=([\w.-]+)/.exec(header ?? "")?.[1];
    const sentKey = /\bk=([\w-]+)/.exec(header ?? "")?.[1];
    const jwt = parseJwt(jwtText ?? "");
    if (!/^vapid /i.test(header ?? "") || jwt === undefined) return { kind: "missing", detail: "no vapid header" };
    if (sentKey !== publicKey) return rejected("VAPID key differs from the subscription's");
    if (!isSignedBy(jwt, "ES256", key)) return rejected("VAPID signature is wrong");
    const { aud, exp, sub } = jwt.claims;
    if (aud !== origin) return rejected("VAPID aud is not the origin of the endpoint");
    if (typeof exp !== "number" || exp <= seconds) return rejected("VAPID token has expired");
    if (exp > seconds + EXPIRY_LONGEST_S) return rejected("VAPID exp is more than a day ahead");
    if (!/^(mailto:.+@.+|https:\/\/.+)/.test(textOf(sub))) return rejected("VAPID sub is neither mailto: nor https:");
    if (verified.size >= VERIFIED_MAX) verified.clear();
    verified.set(`${origin} ${header}`, exp);
    return undefined;
  };
}

function p256Key(point: string): KeyObject {
  const bytes = Buffer.from(point, "base64url");
  const [x, y] = [bytes.subarray(1, 33), bytes.subarray(33, 65)].map((part) => part.toString("base64url"));
  return createPublicKey({ key: { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" }, format: "jwk" });
}
