import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { describeProviderContract } from "../../test/support/provider-contract.ts";
import type { Env } from "../../test/support/provider-scene.ts";
import { fcmVariables } from "./config.ts";
import { createFcmProvider } from "./provider.ts";

const token = (words = "") => `${randomBytes(12).toString("hex")}:${words}`;
const fcmError = (code: number, status: string) => ({
  error: {
    code,
    status,
    message: status,
    details: [{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode: status }],
  },
});

interface FcmMarks {
  android: { notification?: { tag?: string } };
  apns: { headers: Record<string, string> };
  webpush: { headers: Record<string, string>; notification?: { tag?: string } };
}

/** The service account under another e-mail address, which Google does not know. */
function anotherAccount(env: Env): Env {
  const file = env.FCM_SERVICE_ACCOUNT_FILE ?? "";
  const path = join(dirname(file), "another-account.json");
  writeFileSync(
    path,
    JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), client_email: "unknown@nowhere.iam.gserviceaccount.com" }),
  );
  return { ...env, FCM_SERVICE_ACCOUNT_FILE: path };
}

describeProviderContract({
  name: "fcm",
  create: (env) => createFcmProvider(readConfig(fcmVariables, env), { clock: systemClock }),
  delivery: () => samplePush({ channel: "fcm", token: token() }),
  deadDelivery: () => samplePush({ channel: "fcm", token: token("unregistered") }),
  at: (origin, env, delivery) => ({ env: { ...env, FCM_ORIGIN: origin }, delivery }),
  wrongCredentials: anotherAccount,
  unavailable: { status: 503, body: fcmError(503, "UNAVAILABLE") },
  replacementMarks: ({ payload }) => {
    const { android, apns, webpush } = (payload as { message: FcmMarks }).message;
    return {
      tag: android.notification?.tag,
      collapseId: apns.headers["apns-collapse-id"],
      topic: webpush.headers.Topic,
      webTag: webpush.notification?.tag,
    };
  },
  throttled: { status: 429, body: fcmError(429, "QUOTA_EXCEEDED"), headers: { "retry-after": "7" }, retryAfterMs: 7_000 },
});
