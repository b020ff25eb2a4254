import { createPublicKey } from "node:crypto";
import { overHttp, type SimulatorDefinition } from "../kit/definition.ts";
import { makeP256Pem } from "../kit/keys.ts";
import { createApns, STREAMS_BEFORE_TOKEN } from "./simulator.ts";

export const apns: SimulatorDefinition = {
  open({ file, certificate, once, now }) {
    const key = file("apns-key.p8", makeP256Pem);
    const account = { publicKey: createPublicKey(key.text), keyId: "SANDBOXKEY", teamId: "CARILLON01", topic: "dev.carillon.app" };
    return {
      listen: overHttp({ kind: "h2", certificate, streamsMax: STREAMS_BEFORE_TOKEN }, createApns({ credentials: account, once, now })),
      env: (origin) => ({
        APNS_ORIGIN: origin,
        APNS_KEY_FILE: key.path,
        APNS_KEY_ID: account.keyId,
        APNS_TEAM_ID: account.teamId,
        APNS_TOPIC: account.topic,
      }),
    };
  },
};
