import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { accountsOf, overHttp, type Simulator, type SimulatorDefinition } from "../kit/definition.ts";
import { randomHex } from "../kit/keys.ts";
import { fieldsOf, parseJson, textOf } from "../kit/read.ts";
import { createOAuth, type OAuth } from "./oauth.ts";
import { createFcm, type FcmAccount } from "./simulator.ts";

/** HTTP/2 streams a connection may have open. */
const STREAMS_MAX = 100;

export const fcm: SimulatorDefinition<Simulator & { oauth: OAuth }> = {
  sideRequestTargets: ["oauth"],
  open({ file, certificate, once, now, origin }) {
    const accounts = accountsOf((name): FcmAccount & { file: string } => {
      const project = name === "" ? "carillon-sandbox" : `carillon-${name}`;
      const key = file(name === "" ? "fcm-service-account.json" : `fcm-service-account-${name}.json`, () => makeServiceAccount(project));
      const fields = fieldsOf(parseJson(key.text));
      return {
        publicKey: createPublicKey(textOf(fields.private_key)),
        clientEmail: textOf(fields.client_email),
        projectId: textOf(fields.project_id),
        file: key.path,
      };
    });
    const oauth = createOAuth(accounts.all, now);
    const simulator = createFcm({ oauth, once, tokenUrl: () => `${origin()}/token` });
    return {
      oauth,
      listen: overHttp({ kind: "h2-or-http1", certificate, streamsMax: STREAMS_MAX }, simulator),
      env: (base, _callbacks, { name }) => ({
        FCM_ORIGIN: base,
        FCM_TOKEN_URL: `${base}/token`,
        FCM_SERVICE_ACCOUNT_FILE: accounts.named(name).file,
      }),
    };
  },
};

function makeServiceAccount(project: string): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const account = {
    type: "service_account",
    project_id: project,
    private_key_id: randomHex(20),
    private_key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    client_email: `carillon@${project}.iam.gserviceaccount.com`,
    client_id: "100000000000000000000",
    token_uri: "https://oauth2.googleapis.com/token",
  };
  return `${JSON.stringify(account, undefined, 2)}\n`;
}
