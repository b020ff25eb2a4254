import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import webpush from "web-push";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { describeProviderContract } from "../../test/support/provider-contract.ts";
import type { Env } from "../../test/support/provider-scene.ts";
import { webPushVariables } from "./config.ts";
import { createWebPushProvider } from "./provider.ts";

const subscribed = (sandbox: Sandbox, kind: string): OutboundDelivery =>
  samplePush({ channel: "webpush", ...sandbox.webPushSubscription(`${kind}-${randomBytes(6).toString("hex")}`) });

/** VAPID keys that no subscription was made with. */
function otherKeys(env: Env): Env {
  const { publicKey, privateKey } = webpush.generateVAPIDKeys();
  const path = join(dirname(env.WEBPUSH_VAPID_PRIVATE_KEY_FILE ?? ""), "other-vapid-key");
  writeFileSync(path, privateKey);
  return { ...env, WEBPUSH_VAPID_PUBLIC_KEY: publicKey, WEBPUSH_VAPID_PRIVATE_KEY_FILE: path };
}

/** The subscription contains the URL, so it is the one that changes. */
function moved(origin: string, env: Env, delivery: OutboundDelivery) {
  if (delivery.endpoint.channel !== "webpush") throw new TypeError("no subscription");
  const endpoint = { ...delivery.endpoint, pushUrl: `${origin}${new URL(delivery.endpoint.pushUrl).pathname}` };
  return { env: { ...env, WEBPUSH_HOSTS: new URL(origin).host }, delivery: { ...delivery, endpoint } };
}

describeProviderContract({
  name: "webpush",
  create: (env) => createWebPushProvider(readConfig(webPushVariables, env), { clock: systemClock }),
  delivery: (sandbox) => subscribed(sandbox, "browser"),
  deadDelivery: (sandbox) => subscribed(sandbox, "gone"),
  at: moved,
  wrongCredentials: otherKeys,
  unavailable: { status: 503, body: { code: 503, errno: 201, error: "Service Unavailable", message: "Use exponential back-off" } },
  replacementMarks: ({ headers }) => ({ topic: headers.topic }),
  throttled: { status: 429, body: { code: 429, errno: 999 }, headers: { "retry-after": "120" }, retryAfterMs: 120_000 },
});
