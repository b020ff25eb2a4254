export type Schema = Record<string, unknown>;

const string = { type: "string" };
const url = (...schemes: string[]) => ({ type: "string", pattern: `^$|^(${schemes.join("|")})://[^\\s@]+$` });
const oneOf = (...choices: string[]) => ({ enum: choices });
const integer = (minimum: number, maximum?: number) => ({ type: "integer", minimum, ...(maximum === undefined ? {} : { maximum }) });
const orNull = ({ type, ...schema }: Schema): Schema => ({ type: [type, "null"].flat(), ...schema });
const list = (items: Schema): Schema => ({ type: "array", items });
const object = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: "object",
  additionalProperties: false,
  properties,
  ...(required.length > 0 ? { required } : {}),
});
/** A map whose keys the user chooses. */
const map = (values: Schema): Schema => ({ type: "object", additionalProperties: values });
/** The same, where every key has this form. */
const mapOf = (keys: string, values: Schema): Schema => ({
  type: "object",
  patternProperties: { [keys]: values },
  additionalProperties: false,
});
/** A Kubernetes object; the API server validates it. */
const kubernetes = { type: "object" };
const port = integer(1, 65_535);
const secretName = { type: "string", pattern: "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", maxLength: 253 };
const secretKey = { type: "string", pattern: "^[-._a-zA-Z0-9]+$" };
const labels = map({ type: "string" });
const variableName = "^[A-Za-z_][A-Za-z0-9_]*$";
const quantities = map({ type: ["string", "number"] });
const duration = { type: "string", pattern: "^([0-9]+(ms|s|m|h))+$" };
const share = { type: "number", minimum: 0, maximum: 1 };
const cidr = { type: "string", pattern: "^[0-9a-fA-F.:]+/[0-9]{1,3}$" };
const probe = object({
  initialDelaySeconds: integer(0),
  periodSeconds: integer(1),
  timeoutSeconds: integer(1),
  failureThreshold: integer(1),
  successThreshold: integer(1),
  terminationGracePeriodSeconds: integer(1),
});
const scalingRules = object({
  stabilizationWindowSeconds: integer(0, 3_600),
  selectPolicy: oneOf("Max", "Min", "Disabled"),
  tolerance: { type: ["string", "number"] },
  policies: {
    ...list(
      object({ type: oneOf("Pods", "Percent"), value: integer(1), periodSeconds: integer(1, 1_800) }, ["type", "value", "periodSeconds"]),
    ),
    minItems: 1,
  },
});

/** What a default value does not imply: schemas by dotted path, the first match. */
export const RULES: readonly (readonly [RegExp, Schema])[] = [
  // Names and image.
  [/^(common(Labels|Annotations)|.*\.(podLabels|podAnnotations|labels|annotations|nodeSelector|alertLabels))$/, labels],
  [/^(name|fullname)Override$/, { type: "string", pattern: "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", maxLength: 40 }],
  [/^image\.digest$/, { type: "string", pattern: "^$|^sha256:[0-9a-f]{64}$" }],
  [/^image\.repository$/, { type: "string", minLength: 1 }],
  [/^image\.pullPolicy$/, oneOf("Always", "IfNotPresent", "Never")],
  [/^image\.pullSecrets$/, list(object({ name: { type: "string", minLength: 1 } }, ["name"]))],

  // Servers it needs.
  [/^mongodb\.url$/, url("mongodb", "mongodb\\+srv")],
  [/^nats\.url$/, url("nats", "tls")],
  [/^redis\.url$/, url("rediss?")],
  [/^nats\.streamReplicas$/, integer(1, 5)],
  [/^nats\.streamBytesMax$/, integer(1_000_000, 2 ** 44)],
  [/^nats\.ackWaitMs$/, integer(5_000, 600_000)],
  [/^nats\.ackPendingMax$/, orNull(integer(1, 1_000_000))],
  [/\.(existingSecret|tlsSecret|clientCaSecret)$/, secretName],
  [/\.(key|passwordKey|[a-zA-Z]+KeyKey|authTokenKey|apiSecretKey|signatureSecretKey|serviceAccountKey)$/, secretKey],

  // Pods.
  [/\.logLevel$/, oneOf("debug", "info", "warn", "error")],
  [/\.otlpEndpoint$/, url("https?")],
  [
    /\.settings$/,
    { type: "object", additionalProperties: false, patternProperties: { "^[A-Z][A-Z0-9_]*$": { type: ["string", "number", "boolean"] } } },
  ],
  [/\.extraEnv$/, list({ type: "object", required: ["name"], properties: { name: { type: "string", pattern: variableName } } })],
  [
    /\.(extraEnvFrom|extraVolumes|extraVolumeMounts|tolerations|extraIngress|extraEgress|relabelings|metricRelabelings|parentRefs)$/,
    list(kubernetes),
  ],
  [/^networkPolicy\.\w+(To|From)$/, list(kubernetes)],
  [/^networkPolicy\.excludedCidrs$/, list(cidr)],
  [/^networkPolicy\.(providerPorts|webhookPorts)$/, { ...list(port), minItems: 1 }],
  [/\.topologySpreadConstraints$/, { ...list(kubernetes), type: ["array", "null"] }],
  [/\.(affinity|strategy|podSecurityContext|securityContext)$/, kubernetes],
  // Node sizes the heap by the memory limit; without one, by the memory of the whole machine.
  [/^defaults\.resources$/, object({ requests: quantities, limits: { ...quantities, required: ["memory"] } }, ["limits"])],
  [/\.resources$/, object({ requests: quantities, limits: quantities })],
  [/\.probes\.\w+$/, probe],
  [/\.terminationGracePeriodSeconds$/, integer(10, 3_600)],
  [/\.preStopSleepSeconds$/, integer(0, 300)],
  [/\.podDisruptionBudget\.maxUnavailable$/, { type: ["integer", "string"], minimum: 0, pattern: "^[0-9]{1,3}%$" }],
  [/^(gateway|preferences|relay|feedback|console|autoscaler)\.replicas$/, integer(0, 1_000)],

  // Services.
  [/\.service\.type$/, oneOf("ClusterIP", "NodePort", "LoadBalancer")],
  [/\.service\.port$/, port],
  [/\.service\.externalTrafficPolicy$/, oneOf("", "Cluster", "Local")],
  [/\.loadBalancerSourceRanges$/, list(cidr)],
  [/^(gateway|preferences|feedback)\.autoscaling\.(min|max)Replicas$/, integer(1, 1_000)],
  [/^(gateway|preferences|feedback)\.autoscaling\.targetCpuPercent$/, integer(1, 1_000)],
  [/^(gateway|preferences|feedback)\.autoscaling\.behavior$/, object({ scaleUp: scalingRules, scaleDown: scalingRules })],
  [/\.(dnsNames|hostnames)$|^console\.roles\.\w+$/, list(string)],
  [/^(feedback|console)\.publicUrl$|^console\.oidc\.issuer$|\.statusCallbackUrl$/, url("https?")],
  [/^relay\.pollMs$/, integer(10, 60_000)],
  [/^autoscaler\.sampleMs$/, integer(200, 5_000)],

  // Channels.
  [/^dispatcherDefaults\.replicas$/, orNull(integer(0, 1_000))],
  [/\.inFlight$/, integer(1, 10_000)],
  [/\.providerDeadlineSeconds$/, integer(1, 120)],
  [/\.rateLimit\.perSecond$/, { type: ["number", "null"], minimum: 0.01, maximum: 100_000 }],
  [/\.autoscaling\.minReplicas$/, integer(0, 1_000)],
  [/\.autoscaling\.maxReplicas$/, orNull(integer(1, 1_000))],
  [/\.autoscaling\.targetRatePerPod$/, { type: "number", minimum: 0.01, maximum: 100_000 }],
  [/\.autoscaling\.(drain|maxAge)Seconds$/, { type: "number", minimum: 1, maximum: 86_400 }],
  [/\.autoscaling\.serviceMs$/, orNull(integer(1, 600_000))],
  [/\.autoscaling\.fallbackReplicas$/, integer(0, 1_000)],
  [/\.autoscaling\.targetCpuPercent$/, orNull(integer(1, 1_000))],
  [/\.autoscaling\.tolerance$/, orNull({ ...share })],
  [/\.autoscaling\.behavior\.scale(Up|Down)$/, scalingRules],
  [/^dispatchers\.\w+\.autoscaling\.behavior$/, object({ scaleUp: scalingRules, scaleDown: scalingRules })],
  [/^dispatchers\.sms\.providers$/, { ...list(oneOf("twilio", "vonage")), minItems: 1, uniqueItems: true }],
  [/^dispatchers\.email\.providers$/, { ...list(oneOf("sendgrid", "mandrill", "smtp")), minItems: 1, uniqueItems: true }],
  [/^dispatchers\.email\.smtp\.security$/, oneOf("tls", "starttls", "none")],
  [/^dispatchers\.email\.smtp\.port$/, integer(1, 65_535)],
  [/^dispatchers\.sms\.twilio\.accountSid$/, { type: "string", pattern: "^(AC.+)?$" }],
  [/^dispatchers\.sms\.twilio\.apiKeySid$/, { type: "string", pattern: "^(SK.+)?$" }],
  [/^dispatchers\.apns\.certificate(Password)?Key$/, { type: "string", pattern: "^[-._a-zA-Z0-9]*$" }],
  [
    /^providerAccounts$/,
    {
      ...list(
        object(
          {
            provider: oneOf("apns", "fcm", "webpush", "twilio", "vonage", "sendgrid", "mandrill", "smtp"),
            name: { type: "string", pattern: "^[a-z0-9][a-z0-9-]{0,62}$" },
            existingSecret: { ...secretName, minLength: 1 },
            variables: mapOf("^[A-Z][A-Z0-9_]*$", { type: ["string", "number", "boolean"] }),
            files: mapOf("^[A-Z][A-Z0-9_]*_FILE$", secretKey),
          },
          ["provider", "name", "existingSecret", "files"],
        ),
      ),
      maxItems: 200,
    },
  ],
  [/^dispatchers\.webpush\.vapidSubject$/, { type: "string", pattern: "^$|^(mailto:|https://)" }],
  [/^dispatchers\.webpush\.hosts$/, list(string)],
  [/^dispatchers\.apns\.(keyId|teamId)$/, { type: "string", pattern: "^([A-Z0-9]{10})?$" }],
  [/^autoscaling\.mode$/, { enum: ["off", false, "external", "keda", "keda-jetstream", "prometheus"] }],
  [/^autoscaling\.prometheus\.metadata$/, labels],
  [/^autoscaling\.prometheus\.serverAddress$/, url("https?")],
  [/^autoscaling\.keda\.pollingInterval$/, integer(1, 3_600)],
  [/^autoscaling\.keda\.fallbackFailureThreshold$/, integer(1, 100)],

  // The cluster.
  [/^provisioning\.mode$/, oneOf("job", "nack", "none")],
  [/^tls\.enabled$/, orNull({ type: "boolean" })],
  [/^tls\.certManager\.(duration|renewBefore)$/, duration],
  [/^tls\.certManager\.issuerRef\.kind$/, { type: "string", minLength: 1 }],
  [/^tls\.certManager\.privateKey\.algorithm$/, oneOf("RSA", "ECDSA", "Ed25519")],
  [/^network\.ipFamilyPolicy$/, oneOf("", "SingleStack", "PreferDualStack", "RequireDualStack")],
  [/^network\.ipFamilies$/, { ...list(oneOf("IPv4", "IPv6")), maxItems: 2, uniqueItems: true }],
  [/^monitoring\.\w+\.(interval|scrapeTimeout)$/, duration],
  [/^monitoring\.prometheusRule\.disabled$/, list(string)],
  [/^monitoring\.prometheusRule\.matchers$/, { type: "string", minLength: 1 }],
  [/^monitoring\.prometheusRule\.thresholds\.\w+Ratio$/, share],
  [/^evaluation\.pods$/, kubernetes],
  [/\.storage$/, { type: "string", pattern: "^[0-9]+(\\.[0-9]+)?([KMGT]i?)?$" }],

  // Others.
  [/^extraObjects$/, list({ type: ["object", "string"] })],
  [/^global$/, kubernetes],
];
