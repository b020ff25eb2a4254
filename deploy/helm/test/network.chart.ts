import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPONENTS, deployments, find, type KubernetesObject, namesOf, notesOf, objectsOf, variablesOf } from "./render.ts";

const minimal = objectsOf();
const production = objectsOf({ ci: "production" });

interface Rule {
  from?: Record<string, unknown>[];
  to?: Record<string, unknown>[];
  ports?: { port: number }[];
}
const policy = (objects: readonly KubernetesObject[], name: string): { ingress: Rule[]; egress: Rule[] } =>
  find(objects, "NetworkPolicy", name).spec;
const DNS = [53, 53, 5353, 5353];
const portsOf = (rules: readonly Rule[]) => rules.flatMap(({ ports = [] }) => ports.map(({ port }) => port));

test("services find every pod of one another by headless Services and dns:///", () => {
  for (const [name, port] of [
    ["gateway-headless", 7700],
    ["preferences", 7710],
    ["autoscaler", 7730],
  ] as const) {
    const { spec } = find(minimal, "Service", name);
    assert.equal(spec.clusterIP, "None");
    assert.deepEqual(spec.ports, [{ name: "grpc", port, targetPort: "grpc", protocol: "TCP", appProtocol: "kubernetes.io/h2c" }]);
  }
  for (const name of ["gateway", "dispatcher-sms"])
    assert.equal(variablesOf(find(minimal, "Deployment", name)).PREFERENCES_ADDRESS, "dns:///carillon-preferences:7710");
});

test("the gateway's Service suits load balancers, and declares gRPC", () => {
  const { spec, metadata } = find(production, "Service", "gateway");
  assert.equal(spec.type, "LoadBalancer");
  assert.deepEqual(spec.loadBalancerSourceRanges, ["10.0.0.0/8"]);
  assert.equal(spec.externalTrafficPolicy, "Local");
  assert.equal(spec.ports[0].appProtocol, "https");
  assert.equal(metadata.annotations?.["example.com/internal"], "true");
  assert.equal(find(minimal, "Service", "gateway").spec.ports[0].appProtocol, "kubernetes.io/h2c");
});

test("the same calls are served as JSON on a port of the same Service, with the same callers and TLS, unless it is turned off", () => {
  const port = (protocol: string) => ({ name: "http-json", port: 7701, targetPort: "http-json", protocol: "TCP", appProtocol: protocol });
  assert.deepEqual(find(minimal, "Service", "gateway").spec.ports[1], port("http"));
  assert.deepEqual(find(production, "Service", "gateway").spec.ports[1], port("https"));
  assert.equal(variablesOf(find(production, "Deployment", "gateway")).GATEWAY_HTTP_LISTEN, "[::]:7701");
  const [, grpc, json] = policy(production, "gateway").ingress;
  assert.deepEqual(json?.from, grpc?.from);
  const off = objectsOf({ values: { gateway: { http: { enabled: false } } } });
  assert.equal(find(off, "Service", "gateway").spec.ports.length, 1);
  assert.equal(variablesOf(find(off, "Deployment", "gateway")).GATEWAY_HTTP_LISTEN, undefined);
  assert.deepEqual(portsOf(policy(off, "gateway").ingress), [8080, 7700]);
});

test("an Ingress for HTTP/JSON is made on request", () => {
  assert.deepEqual(namesOf(minimal, "Ingress"), []);
  const ingress = { enabled: true, className: "nginx", host: "notify.example.com", tlsSecret: "notify-tls" };
  const { spec } = find(objectsOf({ values: { gateway: { http: { ingress } } } }), "Ingress", "gateway");
  assert.deepEqual(spec.tls, [{ hosts: ["notify.example.com"], secretName: "notify-tls" }]);
  assert.deepEqual(spec.rules[0].http.paths, [
    { path: "/", pathType: "Prefix", backend: { service: { name: "carillon-gateway", port: { name: "http-json" } } } },
  ]);
});

test("on dual stack Services request both families, and pods listen on both", () => {
  for (const { spec } of production.filter(({ kind }) => kind === "Service")) {
    assert.equal(spec.ipFamilyPolicy, "PreferDualStack");
    assert.deepEqual(spec.ipFamilies, ["IPv4", "IPv6"]);
  }
  const env = variablesOf(find(production, "Deployment", "gateway"));
  assert.deepEqual([env.GATEWAY_LISTEN, env.HTTP_HOST], ["[::]:7700", "::"]);
  for (const { spec } of minimal.filter(({ kind }) => kind === "Service")) assert.equal(spec.ipFamilyPolicy, undefined);
});

test("every component has a policy for ingress and egress", () => {
  for (const name of COMPONENTS) {
    const { spec } = find(minimal, "NetworkPolicy", name);
    assert.deepEqual(spec.policyTypes, ["Ingress", "Egress"]);
    assert.deepEqual(spec.podSelector.matchLabels, find(minimal, "Deployment", name).spec.selector.matchLabels);
  }
  assert.deepEqual(namesOf(objectsOf({ values: { networkPolicy: { enabled: false } } }), "NetworkPolicy"), []);
});

test("a dispatcher may reach what it needs and be reached for metrics alone; a relay may not reach providers", () => {
  const { ingress, egress } = policy(minimal, "dispatcher-sms");
  assert.deepEqual(portsOf(ingress), [8080]);
  assert.deepEqual(portsOf(egress), [...DNS, 27017, 4222, 6379, 7710, 443]);
  assert.deepEqual(portsOf(policy(minimal, "relay").egress), [...DNS, 27017, 4222]);
  assert.deepEqual(portsOf(policy(minimal, "autoscaler").egress), [...DNS, 4222]);
  assert.deepEqual(portsOf(policy(minimal, "gateway").ingress), [8080, 7700, 7701]);
});

test("ports come from the URLs", () => {
  assert.deepEqual(portsOf(policy(production, "dispatcher-sms").egress), [...DNS, 27017, 27018, 4222, 6380, 7710, 443, 2197, 4318]);
  assert.deepEqual(portsOf(policy(objectsOf({ ci: "rate-limited" }), "dispatcher-sms").egress), [...DNS, 27017, 4222, 6379, 7710, 443]);
});

test("every rule for any address excludes those where clouds serve machine credentials", () => {
  const blocks = minimal
    .filter(({ kind }) => kind === "NetworkPolicy")
    .flatMap(({ spec }) => spec.egress as Rule[])
    .flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock as { cidr: string; except: string[] }] : [])));
  assert.ok(blocks.length > 20);
  for (const { cidr, except } of blocks)
    assert.deepEqual(except, cidr === "0.0.0.0/0" ? ["169.254.0.0/16"] : ["fe80::/10", "fd00:ec2::254/128"]);
});

test("a relay that tells apps by webhooks may reach public addresses, and no pod or network of one's own", () => {
  const { egress } = policy(production, "relay");
  const [rule] = egress.filter(({ ports }) => ports?.some(({ port }) => port === 443));
  const blocks = (rule?.to ?? []).map(({ ipBlock }) => ipBlock as { cidr: string; except: string[] } | undefined);
  assert.deepEqual(
    blocks.map((block) => [block?.cidr, block?.except.slice(0, 2)]),
    [
      ["0.0.0.0/0", ["10.0.0.0/8", "100.64.0.0/10"]],
      ["::/0", ["fc00::/7", "fe80::/10"]],
    ],
  );
  assert.equal(variablesOf(find(production, "Deployment", "relay")).WEBHOOK_KEYS_FILE, "/etc/carillon/secrets/webhook-keys");
  assert.equal(variablesOf(find(production, "Deployment", "feedback")).WEBHOOK_KEYS_FILE, undefined);
});

test("callers can be restricted, and helm test is still allowed", () => {
  const [, calls] = policy(production, "gateway").ingress;
  assert.deepEqual(calls?.from?.[0], { namespaceSelector: { matchLabels: { carillon: "caller" } } });
  assert.ok(JSON.stringify(calls?.from?.[1]).includes('"app.kubernetes.io/component":"test"'));
  const preferences = policy(minimal, "preferences").ingress[1]?.from ?? [];
  assert.equal(preferences.length, 7, "gateway, feedback and five dispatchers");
  assert.ok(!JSON.stringify(preferences).includes("relay"));
});

test("the Ingress of the webhooks has the path of the public URL", () => {
  const { spec } = find(production, "Ingress", "feedback");
  assert.deepEqual(spec.tls, [{ hosts: ["hooks.example.com"], secretName: "hooks-tls" }]);
  assert.equal(spec.rules[0].host, "hooks.example.com");
  assert.deepEqual(spec.rules[0].http.paths, [
    { path: "/carillon", pathType: "Prefix", backend: { service: { name: "carillon-feedback", port: { name: "webhooks" } } } },
  ]);
  assert.equal(variablesOf(find(production, "Deployment", "feedback")).FEEDBACK_URL, "https://hooks.example.com/carillon");
  assert.equal(
    variablesOf(find(production, "Deployment", "dispatcher-sms")).TWILIO_STATUS_CALLBACK_URL,
    "https://hooks.example.com/carillon/twilio",
  );
});

test("the gateway alone has the key of erasures, where there is one", () => {
  const keyOf = (objects: typeof production, name: string) => variablesOf(find(objects, "Deployment", name)).ERASURE_KEY_FILE;
  assert.equal(keyOf(production, "gateway"), "/etc/carillon/secrets/erasure-key");
  for (const name of ["preferences", "feedback", "relay"]) assert.equal(keyOf(production, name), undefined);
  assert.equal(keyOf(minimal, "gateway"), undefined);
});

test("feedback, preferences and the dispatcher of mails have the keys of recipients' links, and no other", () => {
  const keysOf = (name: string) => variablesOf(find(production, "Deployment", name)).UNSUBSCRIBE_KEYS_FILE;
  for (const name of ["feedback", "preferences", "dispatcher-email"]) assert.equal(keysOf(name), "/etc/carillon/secrets/unsubscribe-keys");
  for (const name of ["gateway", "dispatcher-sms"]) assert.equal(keysOf(name), undefined);
  for (const name of ["preferences", "dispatcher-email"])
    assert.equal(variablesOf(find(production, "Deployment", name)).FEEDBACK_URL, "https://hooks.example.com/carillon");
});

test("callers come through a GRPCRoute where there is a Gateway", () => {
  const { spec } = find(production, "GRPCRoute", "gateway");
  assert.deepEqual(spec.parentRefs, [{ name: "public", namespace: "gateways" }]);
  assert.deepEqual(spec.rules[0].backendRefs, [{ name: "carillon-gateway", port: 7700 }]);
});

test("with TLS every service has a certificate for its names, with a new key at each renewal", () => {
  const objects = objectsOf({ ci: "tls" });
  const certificates = namesOf(objects, "Certificate").map((name) => name.replace("carillon-", ""));
  const dispatchers = COMPONENTS.filter((name) => name.startsWith("dispatcher-"));
  assert.deepEqual(certificates.sort(), ["gateway", "preferences", "autoscaler", "metrics-api", "gateway-callers", ...dispatchers].sort());
  const { spec } = find(objects, "Certificate", "preferences");
  assert.deepEqual(spec.dnsNames, [
    ...["carillon-preferences", "carillon-preferences.messaging"],
    ...["carillon-preferences.messaging.svc", "carillon-preferences.messaging.svc.cluster.local"],
  ]);
  assert.deepEqual(spec.privateKey, { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" });
  assert.ok(spec.usages.includes("server auth") && spec.usages.includes("client auth"));
  for (const name of ["gateway", "preferences", "autoscaler", "dispatcher-sms"]) {
    const deployment = find(objects, "Deployment", name);
    assert.equal(variablesOf(deployment).INTERNAL_TLS_CA_FILE, "/etc/carillon/tls/ca.crt");
    const volume = deployment.spec.template.spec.volumes.find((v: { name: string }) => v.name === "tls");
    assert.equal(volume.secret.secretName, `carillon-${name}-tls`);
  }
  for (const name of ["relay", "feedback"]) assert.equal(variablesOf(find(objects, "Deployment", name)).INTERNAL_TLS_CA_FILE, undefined);
  assert.equal(find(objects, "Service", "preferences").spec.ports[0].appProtocol, "https");
  assert.deepEqual(find(objects, "Pod", "test-gateway").spec.containers[0].env.slice(1), [
    { name: "TLS", value: "true" },
    { name: "CLIENT_CA", value: "false" },
  ]);
});

const CERT_MANAGER = ["cert-manager.io/v1"];
const usesTls = (objects: readonly KubernetesObject[]) =>
  variablesOf(find(objects, "Deployment", "preferences")).INTERNAL_TLS_CERT_FILE === "/etc/carillon/tls/tls.crt";

test("where cert-manager is installed, services of a new release use TLS without being told, by an authority of the release", () => {
  const objects = objectsOf({ ci: "minimal", apis: CERT_MANAGER, deployments: [] });
  assert.ok(usesTls(objects));
  assert.deepEqual(namesOf(objects, "Issuer"), ["carillon-self-signed", "carillon-ca"]);
  const { spec } = find(objects, "Certificate", "ca");
  assert.deepEqual([spec.isCA, spec.secretName, spec.issuerRef.name], [true, "carillon-ca", "carillon-self-signed"]);
  assert.equal(spec.privateKey.rotationPolicy, "Never", "with another key, certificates that it signed before would be rejected");
  assert.equal(objects.find(({ kind, spec }) => kind === "Issuer" && spec.ca)?.spec.ca.secretName, "carillon-ca");
  for (const name of ["preferences", "gateway", "dispatcher-sms", "autoscaler"])
    assert.deepEqual(find(objects, "Certificate", name).spec.issuerRef, { name: "carillon-ca", kind: "Issuer", group: "cert-manager.io" });
  const named = objectsOf({
    ci: "minimal",
    apis: CERT_MANAGER,
    deployments: [],
    values: { tls: { certManager: { issuerRef: { name: "corporate" } } } },
  });
  assert.deepEqual(namesOf(named, "Issuer"), []);
  assert.equal(find(named, "Certificate", "preferences").spec.issuerRef.name, "corporate");
});

test("where it is not, or where TLS is turned off, services use plain text; a given Secret turns TLS on", () => {
  assert.ok(!usesTls(objectsOf({ ci: "minimal" })));
  assert.ok(!usesTls(objectsOf({ ci: "minimal", deployments: [] })));
  const installed = { ci: "minimal", apis: CERT_MANAGER, deployments: [] };
  assert.ok(!usesTls(objectsOf({ ...installed, values: { tls: { enabled: false } } })));
  assert.ok(!usesTls(objectsOf({ ...installed, values: { tls: { certManager: { enabled: false } } } })));
  assert.ok(usesTls(objectsOf({ ci: "minimal", values: { tls: { certManager: { enabled: false }, existingSecret: "ours" } } })));
  assert.ok(usesTls(objectsOf({ ci: "minimal", values: { tls: { enabled: true } } })));
});

test("no upgrade switches a release by itself, also where Helm cannot ask the cluster how it runs", () => {
  const plain = objectsOf({ ci: "minimal" });
  const encrypted = objectsOf({ ci: "minimal", values: { tls: { enabled: true } } });
  for (const apis of [[], CERT_MANAGER]) {
    assert.ok(!usesTls(objectsOf({ ci: "minimal", apis })), "Argo CD renders so, with the cluster's API versions");
    assert.ok(!usesTls(objectsOf({ ci: "minimal", apis, deployments: deployments(plain) })));
    assert.ok(usesTls(objectsOf({ ci: "minimal", apis, deployments: deployments(encrypted) })));
    assert.ok(usesTls(objectsOf({ ci: "minimal", apis, deployments: deployments(plain), values: { tls: { enabled: true } } })));
    assert.ok(!usesTls(objectsOf({ ci: "minimal", apis, deployments: deployments(encrypted), values: { tls: { enabled: false } } })));
  }
});

test("plain text is said in the notes", () => {
  const notes = (values: object, apis: readonly string[] = []) => notesOf({ values, apis });
  const plain = notes({});
  assert.match(plain, /WARNING: Carillon's services call one another in PLAIN TEXT.*Install cert-manager/s);
  assert.match(plain, /WARNING: the gateway serves callers in PLAIN TEXT/);
  assert.match(notes({ tls: { enabled: false } }, CERT_MANAGER), /services call one another in PLAIN TEXT.*Set tls\.enabled=true/s);
  assert.doesNotMatch(notes({ tls: { enabled: true }, gateway: { tls: { enabled: true, existingSecret: "x" } } }), /PLAIN TEXT/);
});

test("without cert-manager the given Secrets are used", () => {
  const objects = objectsOf({ ci: "tls-existing" });
  assert.deepEqual(namesOf(objects, "Certificate"), []);
  const gateway = find(objects, "Deployment", "gateway");
  const secrets = gateway.spec.template.spec.volumes.flatMap((v: { secret?: { secretName: string } }) => v.secret?.secretName ?? []);
  assert.deepEqual(secrets.sort(), ["callers-ca", "carillon-tls", "gateway-tls"]);
  assert.equal(variablesOf(gateway).GATEWAY_TLS_CLIENT_CA_FILE, "/etc/carillon/gateway-client-ca/ca.crt");
});

test("monitors are rendered where the cluster has the CRD, or where forced", () => {
  const kinds = (objects: readonly KubernetesObject[]) => objects.map(({ kind }) => kind).filter((kind) => kind.endsWith("Monitor"));
  for (const [value, kind] of [
    ["podMonitor", "PodMonitor"],
    ["serviceMonitor", "ServiceMonitor"],
  ] as const) {
    const monitoring = { [value]: { enabled: true } };
    assert.deepEqual(kinds(objectsOf({ values: { monitoring } })), []);
    assert.deepEqual(kinds(objectsOf({ values: { monitoring }, apis: [`monitoring.coreos.com/v1/${kind}`] })), [kind]);
    assert.deepEqual(kinds(objectsOf({ values: { monitoring: { ...monitoring, force: true } } })), [kind]);
  }
});

test("a monitor selects every pod with metrics, and no other", () => {
  const byService = objectsOf({ ci: "nack" });
  const byPod = { monitoring: { serviceMonitor: { enabled: false }, podMonitor: { enabled: true } } };
  const objects = objectsOf({ ci: "nack", values: byPod });
  const { matchLabels } = find(objects, "PodMonitor", "bells").spec.selector;
  const matches = (labels: Record<string, string>) => Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  const found = objects.filter(({ kind, spec }) => kind === "Deployment" && matches(spec.template.metadata.labels));
  assert.equal(found.length, 10);
  const service = find(byService, "Service", "bells-metrics");
  assert.ok(matches(service.metadata.labels ?? {}));
  assert.equal(service.spec.clusterIP, "None");
  assert.deepEqual(find(byService, "ServiceMonitor", "bells").spec.selector.matchLabels, matchLabels);
  const evaluation = objectsOf({ ci: "evaluation" }).filter(({ kind }) => kind === "StatefulSet");
  assert.deepEqual(
    evaluation.filter(({ spec }) => matches(spec.template.metadata.labels)),
    [],
  );
});

test("a relay by SMTP gets its settings, its password by file, and its port opened for the e-mail dispatcher alone", () => {
  const smtp = { host: "relay.example.com", port: 465, security: "tls", user: "carillon", existingSecret: "relay" };
  const objects = objectsOf({ values: { networkPolicy: { enabled: true }, dispatchers: { email: { providers: ["smtp"], smtp } } } });
  const variables = variablesOf(find(objects, "Deployment", "dispatcher-email"));
  assert.deepEqual(
    ["EMAIL_PROVIDERS", "SMTP_HOST", "SMTP_PORT", "SMTP_SECURITY", "SMTP_USER"].map((name) => variables[name]),
    ["smtp", "relay.example.com", "465", "tls", "carillon"],
  );
  assert.match(variables.SMTP_PASSWORD_FILE!, /\/smtp-password$/);
  assert.ok(portsOf(policy(objects, "dispatcher-email").egress).includes(465));
  assert.ok(!portsOf(policy(objects, "dispatcher-sms").egress).includes(465));
});
