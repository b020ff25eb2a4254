import assert from "node:assert/strict";
import { test } from "node:test";
import { find, objectsOf, variablesOf } from "./render.ts";

const minimal = objectsOf();
const production = objectsOf({ ci: "production" });

interface Rule {
  from?: object[];
  to?: object[];
  ports?: { port: number }[];
}

test("the console has its own keys, its Ingress, and the issuer as its only way out besides the servers", () => {
  const deployment = find(production, "Deployment", "console");
  const { CONSOLE_URL, CONSOLE_KEYS_FILE, CONSOLE_OPERATORS, CONSOLE_OIDC_CLIENT_SECRET_FILE, NATS_URL } = variablesOf(deployment);
  assert.deepEqual(
    [CONSOLE_URL, CONSOLE_OPERATORS, CONSOLE_KEYS_FILE, CONSOLE_OIDC_CLIENT_SECRET_FILE],
    [
      ...["https://carillon.example.com", "sre,oncall", "/etc/carillon/secrets/console-keys"],
      "/etc/carillon/secrets/console-client-secret",
    ],
  );
  const { spec } = find(production, "Ingress", "console");
  assert.deepEqual([spec.rules[0].host, spec.tls[0].secretName], ["carillon.example.com", "console-tls"]);
  assert.deepEqual(spec.rules[0].http.paths[0].backend, { service: { name: "carillon-console", port: { name: "console" } } });
  const { ingress, egress }: { ingress: Rule[]; egress: Rule[] } = find(production, "NetworkPolicy", "console").spec;
  assert.ok(ingress.some(({ ports, from }) => ports?.[0]?.port === 7750 && from !== undefined));
  assert.equal(NATS_URL, variablesOf(find(production, "Deployment", "relay")).NATS_URL);
  assert.ok(egress.some(({ ports }) => ports?.some(({ port }) => port === 4222)));
  const [issuer] = egress.filter(({ ports }) => ports?.some(({ port }) => port === 443));
  assert.ok(JSON.stringify(issuer?.to).includes('"cidr":"0.0.0.0/0","except":["10.0.0.0/8"'));
});

test("people are named in logs by keys of their own where the Secret has them", () => {
  const fileOf = (values: object) =>
    variablesOf(find(objectsOf({ ci: "production", values }), "Deployment", "console")).CONSOLE_REFERENCE_KEYS_FILE;
  assert.equal(fileOf({}), undefined);
  assert.equal(fileOf({ console: { referenceKeysKey: "reference-keys" } }), "/etc/carillon/secrets/console-reference-keys");
});

test("by default nothing of the console is installed", () => {
  const namesOf = (objects: typeof minimal) => objects.map(({ metadata }) => metadata.name).filter((name) => name.endsWith("-console"));
  assert.notDeepEqual(namesOf(production), []);
  assert.deepEqual(namesOf(minimal), []);
});
