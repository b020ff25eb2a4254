import { createECDH } from "node:crypto";
import { overHttp, type Simulator, type SimulatorDefinition } from "../kit/definition.ts";
import { makeP256Scalar, randomHex } from "../kit/keys.ts";
import { createWebPush, isSubscriptionName } from "./simulator.ts";
import { type PushSubscription, rememberSubscribers } from "./subscription.ts";

export const webpush: SimulatorDefinition<Simulator & { subscription(name: string): PushSubscription }> = {
  open({ file, certificate, once, now, origin }) {
    const privateKey = file("vapid-private-key", makeP256Scalar);
    const publicKey = publicPoint(privateKey.text);
    const subscriber = rememberSubscribers(file("webpush-subscription-secret", () => randomHex(32)).text);
    return {
      /** Throws RangeError where the name is invalid. */
      subscription(name) {
        if (!isSubscriptionName(name)) throw new RangeError("a subscription's name is 1 to 100 of A-Z a-z 0-9 _ -");
        const keys = subscriber(name);
        const pushUrl = `${origin()}/wpush/${name}`;
        return { pushUrl, p256dh: keys.publicKey.toString("base64url"), auth: keys.auth.toString("base64url") };
      },
      listen: overHttp({ kind: "https", certificate }, createWebPush({ subscriber, vapidPublicKey: publicKey, origin, once, now })),
      env: (base) => ({
        WEBPUSH_VAPID_PUBLIC_KEY: publicKey,
        WEBPUSH_VAPID_PRIVATE_KEY_FILE: privateKey.path,
        WEBPUSH_VAPID_SUBJECT: "mailto:sandbox@carillon.dev",
        WEBPUSH_HOSTS: new URL(base).host,
        OUTBOUND_ALLOWED_ADDRESSES: allowedAddresses(new URL(base).hostname),
      }),
    };
  },
};

const LOOPBACK = "127.0.0.0/8,::1";
/** Push URLs lead to public addresses unless others are allowed. In containers the sandbox's name resolves to a private one. */
const allowedAddresses = (host: string) =>
  host === "localhost" || host.startsWith("127.") ? LOOPBACK : `${LOOPBACK},10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7`;

/** The uncompressed public point of a P-256 private scalar, both base64url. */
function publicPoint(scalar: string): string {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(scalar, "base64url");
  return ecdh.getPublicKey("base64url");
}
