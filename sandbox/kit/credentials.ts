import { createECDH, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { join } from "node:path";
import { readOrMake } from "./files.ts";
import { fieldsOf, parseJson, textOf } from "./read.ts";

/** Every account the sandbox knows. Made once per directory, so that a restart keeps what is configured. */
export interface Credentials {
  apns: { keyFile: string; publicKey: KeyObject; keyId: string; teamId: string; topic: string };
  fcm: { serviceAccountFile: string; publicKey: KeyObject; clientEmail: string; projectId: string };
  webpush: { privateKeyFile: string; publicKey: string; subject: string; subscriptionSecret: string };
  twilio: { accountSid: string; authToken: string; authTokenFile: string; from: string };
  vonage: {
    apiKey: string;
    apiSecret: string;
    apiSecretFile: string;
    signatureSecret: string;
    signatureSecretFile: string;
    from: string;
  };
  sendgrid: { apiKey: string; apiKeyFile: string; webhookKey: KeyObject; webhookPublicKeyFile: string };
  mandrill: { apiKey: string; apiKeyFile: string; webhookKey: string; webhookKeyFile: string };
  email: { from: string; fromName: string };
}

const hex = (bytes: number) => randomBytes(bytes).toString("hex");

export function openCredentials(directory: string): Credentials {
  const file = (name: string, make: () => string) => {
    const path = join(directory, name);
    return { path, text: readOrMake(path, make) };
  };
  const apnsKey = file("apns-key.p8", makeP256Pem);
  const serviceAccount = file("fcm-service-account.json", makeServiceAccount);
  const account = fieldsOf(parseJson(serviceAccount.text));
  const vapid = file("vapid-private-key", () => textOf(p256Jwk(makeP256Pem()).d));
  const twilioSid = file("twilio-account-sid", () => `AC${hex(16)}`);
  const twilioToken = file("twilio-auth-token", () => hex(16));
  const vonageSecret = file("vonage-api-secret", () => hex(8));
  const sendgridKey = file(
    "sendgrid-api-key",
    () => `SG.${randomBytes(16).toString("base64url")}.${randomBytes(32).toString("base64url")}`,
  );
  const mandrillKey = file("mandrill-api-key", () => randomBytes(16).toString("base64url"));
  const vonageSignature = file("vonage-signature-secret", () => hex(16));
  const mandrillWebhook = file("mandrill-webhook-key", () => randomBytes(16).toString("base64url"));
  const sendgridWebhook = createPrivateKey(file("sendgrid-webhook-key", makeP256Pem).text);
  return {
    apns: {
      keyFile: apnsKey.path,
      publicKey: createPublicKey(apnsKey.text),
      keyId: "SANDBOXKEY",
      teamId: "CARILLON01",
      topic: "dev.carillon.app",
    },
    fcm: {
      serviceAccountFile: serviceAccount.path,
      publicKey: createPublicKey(textOf(account.private_key)),
      clientEmail: textOf(account.client_email),
      projectId: textOf(account.project_id),
    },
    webpush: {
      privateKeyFile: vapid.path,
      publicKey: publicPoint(vapid.text),
      subject: "mailto:sandbox@carillon.dev",
      subscriptionSecret: file("webpush-subscription-secret", () => hex(32)).text,
    },
    twilio: { accountSid: twilioSid.text, authToken: twilioToken.text, authTokenFile: twilioToken.path, from: "+15005550006" },
    vonage: {
      apiKey: "5a4db0c5",
      apiSecret: vonageSecret.text,
      apiSecretFile: vonageSecret.path,
      signatureSecret: vonageSignature.text,
      signatureSecretFile: vonageSignature.path,
      from: "Carillon",
    },
    sendgrid: {
      apiKey: sendgridKey.text,
      apiKeyFile: sendgridKey.path,
      webhookKey: sendgridWebhook,
      webhookPublicKeyFile: file("sendgrid-webhook-public-key", () => publicDer(sendgridWebhook)).path,
    },
    mandrill: {
      apiKey: mandrillKey.text,
      apiKeyFile: mandrillKey.path,
      webhookKey: mandrillWebhook.text,
      webhookKeyFile: mandrillWebhook.path,
    },
    email: { from: "bells@carillon.dev", fromName: "Carillon" },
  };
}

const makeP256Pem = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }).toString();

/** As SendGrid shows its verification key. */
const publicDer = (privateKey: KeyObject) => createPublicKey(privateKey).export({ format: "der", type: "spki" }).toString("base64");

const p256Jwk = (pem: string) => createPrivateKey(pem).export({ format: "jwk" });

function makeServiceAccount(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const account = {
    type: "service_account",
    project_id: "carillon-sandbox",
    private_key_id: hex(20),
    private_key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    client_email: "carillon@carillon-sandbox.iam.gserviceaccount.com",
    client_id: "100000000000000000000",
    token_uri: "https://oauth2.googleapis.com/token",
  };
  return `${JSON.stringify(account, undefined, 2)}\n`;
}

/** The uncompressed public point of a P-256 private scalar, both base64url. */
function publicPoint(scalar: string): string {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(scalar, "base64url");
  return ecdh.getPublicKey("base64url");
}
