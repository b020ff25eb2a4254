import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { readAccounts } from "../../../providers/account-files.ts";
import { PROVIDERS } from "../../../providers/list.ts";
import { containerOf, deployments, find, type KubernetesObject, objectsOf, podOf, variablesOf } from "./render.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-chart-accounts-"));
after(() => rmSync(directory, { recursive: true }));
const production = objectsOf({ ci: "production" });

interface Source {
  configMap?: { name: string; items: { key: string; path: string }[] };
  secret?: { name: string; items: { key: string; path: string }[] };
}
const sourcesOf = (deployment: KubernetesObject): Source[] =>
  podOf(deployment).volumes.find(({ name }: { name: string }) => name === "accounts")?.projected.sources ?? [];

/** The volume as the kubelet would write it; a Secret's values are made up. */
function mounted(deployment: KubernetesObject): string {
  const volume = mkdtempSync(join(directory, "volume-"));
  for (const { configMap, secret } of sourcesOf(deployment))
    for (const { key, path } of (configMap ?? secret)!.items) {
      mkdirSync(dirname(join(volume, path)), { recursive: true });
      const held =
        configMap && production.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === configMap.name)?.data?.[key];
      if (configMap && held === undefined) throw new Error(`${configMap.name} has no ${key}`);
      writeFileSync(join(volume, path), held ?? "secret");
    }
  return volume;
}

const filesOf = (deployment: KubernetesObject) =>
  sourcesOf(deployment)
    .flatMap(({ secret }) => secret?.items.map(({ key, path }) => `${secret.name}:${key} ${path}`) ?? [])
    .sort();

test("a dispatcher has the accounts of its channel, and feedback what it verifies webhooks with and nothing else", () => {
  assert.deepEqual(
    Object.fromEntries(
      deployments(production).flatMap((deployment) => {
        const files = filesOf(deployment);
        return files.length > 0 ? [[deployment.metadata.name, files]] : [];
      }),
    ),
    {
      "carillon-dispatcher-apns": ["acme-ios:apns.p8 apns/acme-ios/apns.p8"],
      "carillon-dispatcher-fcm": ["acme-fcm:service-account.json fcm/acme/service-account.json"],
      "carillon-dispatcher-sms": [
        "acme-twilio:api-key-secret twilio/acme-eu/api-key-secret",
        "acme-twilio:auth-token twilio/acme-eu/auth-token",
      ],
      "carillon-feedback": ["acme-twilio:auth-token twilio/acme-eu/auth-token"],
    },
  );
  for (const deployment of deployments(production)) {
    const isMounted = filesOf(deployment).length > 0;
    assert.equal(variablesOf(deployment).PROVIDER_ACCOUNTS_DIR, isMounted ? "/etc/carillon/accounts" : undefined, deployment.metadata.name);
    const mount = containerOf(deployment).volumeMounts.find(({ name }: { name: string }) => name === "accounts");
    assert.equal(mount?.mountPath, isMounted ? "/etc/carillon/accounts" : undefined);
  }
});

test("the roles read the accounts as they are mounted", () => {
  const read = (name: string, isFeedback: boolean) =>
    readAccounts({
      directory: mounted(find(production, "Deployment", name)),
      definitions: PROVIDERS,
      variablesOf: ({ variables, webhook }) => (isFeedback ? (webhook?.variables ?? {}) : variables),
      requiresOf: ({ requires }) => (isFeedback ? [] : requires),
      env: {},
    });
  const valuesOf = (readings: ReturnType<typeof readAccounts>) =>
    [...readings].map(([key, reading]) => {
      assert.ok(reading.kind === "read", `${key}: ${reading.kind === "faulty" && reading.faults.join("; ")}`);
      return [key, reading.values] as const;
    });
  const [[apns, ios] = []] = valuesOf(read("dispatcher-apns", false));
  assert.deepEqual([apns, ios?.APNS_KEY_FILE, ios?.APNS_TOPIC], ["apns/acme-ios", "secret", ["com.example.acme", "com.example.acme.kids"]]);
  assert.equal(valuesOf(read("dispatcher-fcm", false))[0]?.[1].FCM_SERVICE_ACCOUNT_FILE, "secret");
  const [[twilio, sms] = []] = valuesOf(read("dispatcher-sms", false));
  assert.deepEqual([twilio, sms?.TWILIO_API_KEY_SECRET_FILE], ["twilio/acme-eu", "secret"]);
  assert.equal(sms?.TWILIO_STATUS_CALLBACK_URL, "https://hooks.example.com/carillon/twilio/acme-eu");
  const [[name, own] = []] = valuesOf(read("feedback", true));
  assert.deepEqual([name, own?.TWILIO_AUTH_TOKEN_FILE, own?.TWILIO_FROM], ["twilio/acme-eu", "secret", sms?.TWILIO_FROM]);
});

test("an APNs account may have a certificate, and a Twilio account an API key, of which feedback needs the auth token alone", () => {
  const values = {
    dispatchers: {
      apns: { keyId: "", teamId: "", certificateKey: "apns.p12", certificatePasswordKey: "password" },
      sms: { twilio: { apiKeySid: "SK1" } },
    },
  };
  const objects = objectsOf({ values });
  const filesIn = (name: string) =>
    Object.keys(variablesOf(find(objects, "Deployment", name))).filter((variable) => /^(APNS|TWILIO)/.test(variable));
  assert.deepEqual(filesIn("dispatcher-apns").sort(), ["APNS_CERTIFICATE_FILE", "APNS_CERTIFICATE_PASSWORD_FILE", "APNS_TOPIC"]);
  assert.deepEqual(filesIn("dispatcher-sms").sort(), [
    ...["TWILIO_ACCOUNT_SID", "TWILIO_API_KEY_SECRET_FILE", "TWILIO_API_KEY_SID", "TWILIO_FROM", "TWILIO_STATUS_CALLBACK_URL"],
  ]);
  assert.deepEqual(filesIn("feedback").sort(), ["TWILIO_AUTH_TOKEN_FILE", "TWILIO_FROM"]);
});
