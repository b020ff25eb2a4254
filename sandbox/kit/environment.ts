import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Credentials } from "./credentials.ts";
import type { ListenerName } from "./ports.ts";

/** The variables that make every adapter send to this sandbox. */
export function environmentOf(
  credentials: Credentials,
  origins: Record<ListenerName, string>,
  caFile: string,
  webhooksUrl?: string | undefined,
): Record<string, string> {
  const { apns, fcm, webpush, twilio, vonage, sendgrid, mandrill, email } = credentials;
  return {
    PROVIDER_CA_FILE: caFile,
    APNS_ORIGIN: origins.apns,
    APNS_KEY_FILE: apns.keyFile,
    APNS_KEY_ID: apns.keyId,
    APNS_TEAM_ID: apns.teamId,
    APNS_TOPIC: apns.topic,
    FCM_ORIGIN: origins.fcm,
    FCM_TOKEN_URL: `${origins.fcm}/token`,
    FCM_SERVICE_ACCOUNT_FILE: fcm.serviceAccountFile,
    WEBPUSH_VAPID_PUBLIC_KEY: webpush.publicKey,
    WEBPUSH_VAPID_PRIVATE_KEY_FILE: webpush.privateKeyFile,
    WEBPUSH_VAPID_SUBJECT: webpush.subject,
    WEBPUSH_HOSTS: new URL(origins.webpush).host,
    SMS_PROVIDERS: "twilio,vonage",
    TWILIO_ORIGIN: origins.twilio,
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN_FILE: twilio.authTokenFile,
    TWILIO_FROM: twilio.from,
    // Where the message's ids stand; whoever takes webhooks puts its own address here.
    TWILIO_STATUS_CALLBACK_URL: webhooksUrl === undefined ? `${origins.admin}/sink/twilio` : `${webhooksUrl}/twilio`,
    ...(webhooksUrl === undefined ? {} : { FEEDBACK_URL: webhooksUrl }),
    VONAGE_ORIGIN: origins.vonage,
    VONAGE_REPORTS_ORIGIN: origins.vonage,
    VONAGE_API_KEY: vonage.apiKey,
    VONAGE_API_SECRET_FILE: vonage.apiSecretFile,
    VONAGE_FROM: vonage.from,
    VONAGE_SIGNATURE_SECRET_FILE: vonage.signatureSecretFile,
    EMAIL_PROVIDERS: "sendgrid,mandrill",
    SENDGRID_ORIGIN: origins.sendgrid,
    SENDGRID_API_KEY_FILE: sendgrid.apiKeyFile,
    SENDGRID_WEBHOOK_PUBLIC_KEY_FILE: sendgrid.webhookPublicKeyFile,
    MANDRILL_ORIGIN: origins.mandrill,
    MANDRILL_API_KEY_FILE: mandrill.apiKeyFile,
    MANDRILL_WEBHOOK_KEY_FILE: mandrill.webhookKeyFile,
    EMAIL_FROM: email.from,
    EMAIL_FROM_NAME: email.fromName,
  };
}

/** The environment for who cannot read the sandbox's directory: variables that name a file come with what the file holds. */
export interface SharedCredentials {
  env: Record<string, string>;
  files: Record<string, { name: string; content: string }>;
}

export function shareable(env: Readonly<Record<string, string>>): SharedCredentials {
  const shared: SharedCredentials = { env: {}, files: {} };
  for (const [variable, value] of Object.entries(env))
    if (variable.endsWith("_FILE")) shared.files[variable] = { name: basename(value), content: readFileSync(value, "utf8") };
    else shared.env[variable] = value;
  return shared;
}
