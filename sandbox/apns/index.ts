import { createPublicKey, X509Certificate } from "node:crypto";
import { accountsOf, overHttp, type Simulator, type SimulatorDefinition } from "../kit/definition.ts";
import { makeP256Pem } from "../kit/keys.ts";
import { type ApnsAccount, createApns, type Environment, STREAMS_BEFORE_TOKEN } from "./simulator.ts";

export const apns: SimulatorDefinition<Simulator & { takeCertificate(name: string, pem: string): void }> = {
  open({ file, certificate, once, now }) {
    const accounts = accountsOf((name) => {
      const key = file(name === "" ? "apns-key.p8" : `apns-key-${name}.p8`, makeP256Pem);
      const topics = name === "" ? ["dev.carillon.app"] : [`dev.carillon.${name}`, `dev.carillon.${name}.second`];
      const [keyId, teamId] = name === "" ? ["SANDBOXKEY", "CARILLON01"] : [tenCharacters("K", name), tenCharacters("T", name)];
      return { publicKey: createPublicKey(key.text), keyId, teamId, topics, keyFile: key.path, certificates: new Set<string>() };
    });
    const serving = (environment: Environment) =>
      overHttp(
        { kind: "h2", certificate, streamsMax: STREAMS_BEFORE_TOKEN, asksClients: true },
        createApns({ accounts: accounts.all, environment, once, now }),
      );
    return {
      listen: serving("production"),
      takeCertificate: (name, pem) => void accounts.named(name).certificates.add(new X509Certificate(pem).fingerprint256),
      others: { "apns-dev": serving("development") },
      env: (origin, _callbacks, { name, others }) => ({
        APNS_ORIGIN: origin,
        APNS_DEVELOPMENT_ORIGIN: others["apns-dev"],
        ...variablesOf(accounts.named(name)),
      }),
    };
  },
};

const variablesOf = ({ keyFile, keyId, teamId, topics }: ApnsAccount & { keyFile: string }) => ({
  APNS_KEY_FILE: keyFile,
  APNS_KEY_ID: keyId,
  APNS_TEAM_ID: teamId,
  APNS_TOPIC: topics.join(","),
});

/** As long as Apple's ids are. */
const tenCharacters = (first: string, name: string) =>
  (first + name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "0")).padEnd(10, "0").slice(0, 10);
