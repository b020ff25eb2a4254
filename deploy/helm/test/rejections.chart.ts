import assert from "node:assert/strict";
import { test } from "node:test";
import { rejectionOf } from "./render.ts";

/** A bad value, and what helm's answer must name. */
type Case = readonly [values: object, path: RegExp, options?: { ci?: string; kubeVersion?: string }];

const dispatcher = (channel: string, values: object) => ({ dispatchers: { [channel]: values } });

const accounts = (...changes: object[]) => ({
  providerAccounts: changes.map((change) => ({
    ...{ provider: "fcm", name: "acme", existingSecret: "acme-fcm", files: { FCM_SERVICE_ACCOUNT_FILE: "key" } },
    ...change,
  })),
});

const SCHEMA: readonly Case[] = [
  [{ bogus: 1 }, /at '': additional properties 'bogus' not allowed/],
  [{ gateway: { bogus: 1 } }, /at '\/gateway': additional properties 'bogus' not allowed/],
  [{ gateway: { service: { ports: 1 } } }, /at '\/gateway\/service': additional properties 'ports' not allowed/],
  [{ defaults: { probes: { liveness: { period: 1 } } } }, /at '\/defaults\/probes\/liveness': additional properties 'period' not allowed/],
  [{ dispatcherDefaults: { inflight: 1 } }, /at '\/dispatcherDefaults': additional properties 'inflight' not allowed/],
  [dispatcher("telegram", {}), /at '\/dispatchers': additional properties 'telegram' not allowed/],
  [dispatcher("sms", { inFlight: 0 }), /at '\/dispatchers\/sms\/inFlight': minimum: got 0, want 1/],
  [dispatcher("sms", { inFlight: "32" }), /at '\/dispatchers\/sms\/inFlight': got string, want integer/],
  [dispatcher("sms", { rateLimit: { perSecond: 0 } }), /at '\/dispatchers\/sms\/rateLimit\/perSecond': minimum/],
  [dispatcher("sms", { providers: ["acme"] }), /at '\/dispatchers\/sms\/providers\/0': value must be one of 'twilio', 'vonage'/],
  [dispatcher("sms", { providers: [] }), /at '\/dispatchers\/sms\/providers': minItems: got 0, want 1/],
  [dispatcher("sms", { twilio: { accountSid: "XX1" } }), /at '\/dispatchers\/sms\/twilio\/accountSid': 'XX1' does not match pattern/],
  [dispatcher("email", { autoscaling: { targetRatePerPod: 0 } }), /at '\/dispatchers\/email\/autoscaling\/targetRatePerPod': minimum/],
  // With it the autoscaler would not start.
  [
    dispatcher("email", { autoscaling: { targetRatePerPod: 200_000 } }),
    /at '\/dispatchers\/email\/autoscaling\/targetRatePerPod': maximum/,
  ],
  [
    dispatcher("email", { autoscaling: { minReplicas: -1 } }),
    /at '\/dispatchers\/email\/autoscaling\/minReplicas': minimum: got -1, want 0/,
  ],
  [
    dispatcher("fcm", { autoscaling: { behavior: { scaleUp: { policies: [{ type: "Pod", value: 1, periodSeconds: 1 }] } } } }),
    /policies\/0\/type': value must be one of 'Pods', 'Percent'/,
  ],
  [
    dispatcher("fcm", { autoscaling: { behavior: { scaleup: {} } } }),
    /at '\/dispatchers\/fcm\/autoscaling\/behavior': additional properties 'scaleup'/,
  ],
  [dispatcher("apns", { keyId: "short" }), /at '\/dispatchers\/apns\/keyId': 'short' does not match pattern/],
  [dispatcher("sms", { twilio: { apiKeySid: "AC1" } }), /at '\/dispatchers\/sms\/twilio\/apiKeySid': 'AC1' does not match pattern/],
  [accounts({ provider: "nexmo" }), /at '\/providerAccounts\/0\/provider': value must be one of 'apns', 'fcm'/],
  [accounts({ name: "Acme" }), /at '\/providerAccounts\/0\/name': 'Acme' does not match pattern/],
  [accounts({ existingSecret: "" }), /at '\/providerAccounts\/0\/existingSecret': minLength/],
  [accounts({ files: { FCM_KEY: "key" } }), /at '\/providerAccounts\/0\/files': additional properties 'FCM_KEY' not allowed/],
  [accounts({ files: { FCM_SERVICE_ACCOUNT_FILE: "../key" } }), /at '\/providerAccounts\/0\/files\/FCM_SERVICE_ACCOUNT_FILE'/],
  [dispatcher("webpush", { vapidSubject: "ops@example.com" }), /at '\/dispatchers\/webpush\/vapidSubject'/],
  [{ gateway: { autoscaling: { minReplicas: 0 } } }, /at '\/gateway\/autoscaling\/minReplicas': minimum: got 0, want 1/],
  [{ gateway: { logLevel: "verbose" } }, /at '\/gateway\/logLevel': value must be one of 'debug', 'info', 'warn', 'error'/],
  [{ gateway: { settings: { lower: 1 } } }, /at '\/gateway\/settings': additional properties 'lower' not allowed/],
  [{ gateway: { settings: { LIST: [1] } } }, /at '\/gateway\/settings\/LIST'/],
  [{ gateway: { service: { port: 70_000 } } }, /at '\/gateway\/service\/port': maximum/],
  [{ relay: { terminationGracePeriodSeconds: 5 } }, /at '\/relay\/terminationGracePeriodSeconds': minimum: got 5, want 10/],
  [{ defaults: { resources: { limits: { memory: null } } } }, /at '\/defaults\/resources\/limits': missing property 'memory'/],
  [{ image: { digest: "sha256:1" } }, /at '\/image\/digest': 'sha256:1' does not match pattern/],
  [{ image: { pullPolicy: "Sometimes" } }, /at '\/image\/pullPolicy': value must be one of/],
  [{ mongodb: { url: "mongodb://user:secret@host/carillon" } }, /at '\/mongodb\/url': .* does not match pattern/],
  // The roles would connect by plain NATS, and the NetworkPolicy would allow port 4222.
  [{ nats: { url: "wss://nats.example.com" } }, /at '\/nats\/url': .* does not match pattern/],
  [{ nats: { streamReplicas: 7 } }, /at '\/nats\/streamReplicas': maximum: got 7, want 5/],
  [
    { autoscaling: { mode: "magic" } },
    /at '\/autoscaling\/mode': value must be one of 'off', false, 'external', 'keda', 'keda-jetstream', 'prometheus'/,
  ],
  [{ provisioning: { mode: "hook" } }, /at '\/provisioning\/mode': value must be one of 'job', 'nack', 'none'/],
  [{ tls: { certManager: { duration: "90 days" } } }, /at '\/tls\/certManager\/duration'/],
  [{ networkPolicy: { excludedCidrs: ["169.254.169.254"] } }, /at '\/networkPolicy\/excludedCidrs\/0'/],
  [{ network: { ipFamilyPolicy: "Dual" } }, /at '\/network\/ipFamilyPolicy'/],
  [{ monitoring: { podMonitor: { interval: "often" } } }, /at '\/monitoring\/podMonitor\/interval'/],
];

test("the schema rejects a bad value, and names its path and the rule", () => {
  for (const [values, expected] of SCHEMA) assert.match(rejectionOf({ values }), expected, JSON.stringify(values));
});

const consoleWith = (over: object) => ({
  console: {
    ...{ enabled: true, publicUrl: "https://carillon.example.com", existingSecret: "console" },
    ...{ oidc: { issuer: "https://id.example.com", clientId: "carillon" }, roles: { operators: ["sre"] } },
    ...over,
  },
});
const SENTENCES: readonly Case[] = [
  [{ mongodb: { url: "" } }, /mongodb\.url is missing: mongodb:\/\/host/],
  [{ nats: { url: "" } }, /nats\.url is missing/],
  [{ redis: { url: "" } }, /redis\.url is missing/],
  [{ internalToken: { existingSecret: "" } }, /internalToken\.existingSecret is missing: .*\n.*kubectl create secret generic/],
  [{ mongodb: { user: "carillon" } }, /mongodb\.existingSecret is missing: a Secret that holds the password of mongodb\.user/],
  [{ nats: { user: "carillon" } }, /nats\.existingSecret is missing/],
  [consoleWith({ publicUrl: "" }), /console\.publicUrl is missing: where browsers reach the console/],
  [consoleWith({ oidc: {} }), /console\.oidc\.issuer is missing: the OpenID Connect provider/],
  [consoleWith({ oidc: { issuer: "https://id.example.com" } }), /console\.oidc\.clientId is missing/],
  [
    consoleWith({ existingSecret: "" }),
    /console\.existingSecret is missing: a Secret with the key console-keys, .*\n.*kubectl create secret generic/,
  ],
  [consoleWith({ roles: {} }), /console\.roles is empty, so nobody could sign in/],
  [consoleWith({ roles: { operators: ["sre", "cn=sre,ou=groups"] } }), /console\.roles\.operators: cn=sre,ou=groups has a comma/],
  [{ feedback: { publicUrl: "" } }, /feedback\.publicUrl is missing: .* Or set feedback\.enabled=false/],
  [
    dispatcher("apns", { existingSecret: "" }),
    /dispatchers\.apns\.existingSecret is missing: .* \.p8 signing key under the key apns\.p8\. Or set dispatchers\.apns\.enabled=false/,
  ],
  [
    dispatcher("apns", { keyId: "", teamId: "", certificateKey: "apns.p12", existingSecret: "" }),
    /dispatchers\.apns\.existingSecret is missing: .* the certificate under the key apns\.p12/,
  ],
  [
    dispatcher("sms", { twilio: { apiKeySid: "SK1", existingSecret: "" } }),
    /dispatchers\.sms\.twilio\.existingSecret is missing: .* the API key's secret under the key api-key-secret/,
  ],
  [accounts({ name: "default" }), /providerAccounts: fcm\/default is the account that dispatchers\.fcm describes/],
  [accounts({}, {}), /providerAccounts: fcm\/acme is there twice/],
  [dispatcher("apns", { topic: "" }), /dispatchers\.apns\.topic is missing \(APNS_TOPIC\)/],
  [dispatcher("fcm", { existingSecret: "" }), /dispatchers\.fcm\.existingSecret is missing/],
  [dispatcher("webpush", { existingSecret: "" }), /dispatchers\.webpush\.existingSecret is missing/],
  [dispatcher("webpush", { vapidPublicKey: "" }), /dispatchers\.webpush\.vapidPublicKey is missing/],
  [
    dispatcher("sms", { twilio: { existingSecret: "" } }),
    /dispatchers\.sms\.twilio\.existingSecret is missing: .* Or set dispatchers\.sms\.providers without twilio/,
  ],
  [dispatcher("sms", { vonage: { apiKey: "" } }), /dispatchers\.sms\.vonage\.apiKey is missing \(VONAGE_API_KEY\)/],
  [dispatcher("email", { sendgrid: { existingSecret: "" } }), /dispatchers\.email\.sendgrid\.existingSecret is missing/],
  [dispatcher("email", { providers: ["smtp"] }), /dispatchers\.email\.smtp\.host is missing \(SMTP_HOST\)/],
  [dispatcher("email", { from: "" }), /dispatchers\.email\.from is missing \(EMAIL_FROM\)/],
  [
    dispatcher("sms", { terminationGracePeriodSeconds: 19 }),
    /dispatchers\.sms\.terminationGracePeriodSeconds \(19\) must be providerDeadlineSeconds and 10 s at least \(20\)/,
  ],
  [
    { gateway: { terminationGracePeriodSeconds: 12 } },
    /gateway: terminationGracePeriodSeconds \(12\) must be preStopSleepSeconds \(5\) and 10 s at least/,
  ],
  [
    dispatcher("sms", { autoscaling: { minReplicas: 20 } }),
    /dispatchers\.sms\.autoscaling: maxReplicas \(10\) must not be below minReplicas \(20\)/,
  ],
  [
    dispatcher("sms", { autoscaling: { maxReplicas: null } }),
    /dispatchers\.sms\.autoscaling\.maxReplicas is null, which takes it from dispatchers\.sms\.rateLimit\.perSecond/,
  ],
  [{ gateway: { autoscaling: { maxReplicas: 1 } } }, /gateway\.autoscaling: maxReplicas \(1\) must not be below minReplicas \(2\)/],
  [{ autoscaler: { enabled: false } }, /autoscaling\.mode=external needs the autoscaler/],
  [{ autoscaling: { mode: "keda-jetstream" } }, /autoscaling\.jetstream\.monitoringEndpoint is missing/],
  [{ autoscaling: { mode: "prometheus" } }, /autoscaling\.prometheus\.serverAddress is missing/],
  [
    { tls: { enabled: true, certManager: { enabled: false } } },
    /tls\.existingSecret is missing: a Secret with tls\.crt, tls\.key and ca\.crt/,
  ],
  [{ tls: { certManager: { privateKey: { algorithm: "RSA" } } } }, /tls\.certManager\.privateKey\.size \(256\) is too short for RSA/],
  [{ gateway: { tls: { enabled: true } } }, /gateway\.tls\.existingSecret is missing/],
  [{ gateway: { grpcRoute: { enabled: true } } }, /gateway\.grpcRoute\.parentRefs is missing/],
  // The operator believes that callers need certificates.
  [
    { gateway: { tls: { clientCa: { existingSecret: "callers-ca" } } } },
    /gateway\.tls\.clientCa\.existingSecret is set, but gateway\.tls\.enabled is false: callers would be served in plain text/,
  ],
  [{ gateway: { tls: { existingSecret: "gateway-tls" } } }, /gateway\.tls\.existingSecret is set, but gateway\.tls\.enabled is false/],
  [
    { gateway: { http: { enabled: false, ingress: { enabled: true, host: "notify.example.com" } } } },
    /gateway\.http\.ingress\.enabled=true needs gateway\.http\.enabled=true/,
  ],
  [
    { gateway: { enabled: false, grpcRoute: { enabled: true, parentRefs: [{ name: "edge" }] } } },
    /gateway\.grpcRoute\.enabled=true needs gateway\.enabled=true/,
  ],
  [{ console: { ingress: { enabled: true } } }, /console\.ingress\.enabled=true needs console\.enabled=true/],
  [{ feedback: { enabled: false, ingress: { enabled: true } } }, /feedback\.ingress\.enabled=true needs feedback\.enabled=true/],
  [
    { feedback: { enabled: false, unsubscribe: { existingSecret: "links" } } },
    /feedback\.unsubscribe\.existingSecret is set, but feedback\.enabled is false: .* mails would have none/,
  ],
  [
    { nats: { ackWaitMs: 44_999 } },
    /nats\.ackWaitMs \(44999\) must be dispatchers\.\w+\.providerDeadlineSeconds \(10\) and 35 s at least \(45000\)/,
  ],
  [
    dispatcher("sms", { providerDeadlineSeconds: 26, terminationGracePeriodSeconds: 90 }),
    /nats\.ackWaitMs \(60000\) must be dispatchers\.sms\.providerDeadlineSeconds \(26\) and 35 s at least \(61000\)/,
  ],
  [{ network: { ipFamilies: ["IPv6"] } }, /network\.ipFamilies has IPv6, but pods would listen on network\.listenHost=0\.0\.0\.0 alone/],
  [
    { tls: { enabled: true, certManager: { issuerRef: { kind: "ClusterIssuer" } } } },
    /tls\.certManager\.issuerRef names a ClusterIssuer of cert-manager\.io without a name/,
  ],
  [
    { monitoring: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
    /monitoring\.podMonitor and monitoring\.serviceMonitor are both enabled: every pod would be scraped twice/,
  ],
  [
    { monitoring: { prometheusRule: { enabled: true, disabled: ["CarillonPoisen"] } } },
    /monitoring\.prometheusRule\.disabled: there is no alert CarillonPoisen/,
  ],
  [{}, /chart requires kubeVersion: >=1\.30\.0-0/, { kubeVersion: "1.29" }],
];

test("missing values and contradictions fail with an error that names them", () => {
  for (const [values, expected, options] of SENTENCES) {
    const why = rejectionOf({ values, ...options });
    assert.match(why, expected, JSON.stringify(values));
    assert.doesNotMatch(why, /nil pointer|can't evaluate|error converting YAML/);
  }
});
