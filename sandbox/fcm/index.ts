import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { overHttp, type Simulator, type SimulatorDefinition } from "../kit/definition.ts";
import { randomHex } from "../kit/keys.ts";
import { fieldsOf, parseJson, textOf } from "../kit/read.ts";
import { createOAuth, type OAuth } from "./oauth.ts";
import { createFcm, type FcmAccount } from "./simulator.ts";

/** HTTP/2 streams a connection may have open. */
const STREAMS_MAX = 100;

export const fcm: SimulatorDefinition<Simulator & { oauth: OAuth }> = {
  sideRequestTargets: ["oauth"],
  open({ file, certificate, once, now, origin }) {
    const key = file("fcm-service-account.json", makeServiceAccount);
    const fields = fieldsOf(parseJson(key.text));
    const account: FcmAccount = {
      publicKey: createPublicKey(textOf(fields.private_key)),
      clientEmail: textOf(fields.client_email),
      projectId: textOf(fields.project_id),
    };
    const oauth = createOAuth(account, now);
    const simulator = createFcm({ credentials: account, oauth, once, tokenUrl: () => `${origin()}/token` });
    return {
      oauth,
      listen: overHttp({ kind: "h2-or-http1", certificate, streamsMax: STREAMS_MAX }, simulator),
      env: (base) => ({ FCM_ORIGIN: base, FCM_TOKEN_URL: `${base}/token`, FCM_SERVICE_ACCOUNT_FILE: key.path }),
    };
  },
};

function makeServiceAccount(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const account = {
    type: "service_account",
    project_id: "carillon-sandbox",
    private_key_id: randomHex(20),
    private_key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    client_email: "carillon@carillon-sandbox.iam.gserviceaccount.com",
    client_id: "100000000000000000000",
    token_uri: "https://oauth2.googleapis.com/token",
  };
  return `${JSON.stringify(account, undefined, 2)}\n`;
}
