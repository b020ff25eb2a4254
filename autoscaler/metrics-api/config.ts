import { ConfigError, integer, list, optionalHostPort, text, type Values, watchedFile } from "../../runtime/config.ts";
import { hasServiceAccount } from "./kubernetes-service.ts";
import type { MetricsApiOptions } from "./main.ts";

/** Where the kubelet mounts it (Kubernetes: Accessing the API from a Pod). */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** The HPA controller with its own service account (kubeadm and most others), and without. */
const HPA_CONTROLLERS = "system:serviceaccount:kube-system:horizontal-pod-autoscaler,system:kube-controller-manager";

export const metricsApiVariables = {
  AUTOSCALER_METRICS_API_LISTEN: optionalHostPort({
    default: "",
    reason: "host:port to serve external.metrics.k8s.io on, by HTTPS, for HPAs without KEDA; empty: off",
  }),
  AUTOSCALER_METRICS_API_CERT_FILE: watchedFile({
    default: "",
    reason: "PEM, for <service>.<namespace>.svc; empty: a self-signed one, for insecureSkipTLSVerify",
  }),
  AUTOSCALER_METRICS_API_KEY_FILE: watchedFile({ default: "", reason: "PEM, its private key" }),
  AUTOSCALER_METRICS_API_CLIENT_CA_FILE: watchedFile({
    default: "",
    reason: "PEM, the front proxy's certificate authority; empty: read from ConfigMap kube-system/extension-apiserver-authentication",
  }),
  AUTOSCALER_METRICS_API_CLIENT_NAMES: list<string>(undefined, {
    default: "",
    reason:
      "common names of the front proxy, with the file above; empty: every certificate of that authority, which then must sign no others",
  }),
  AUTOSCALER_METRICS_API_ALLOWED_USERS: list<string>(undefined, {
    default: HPA_CONTROLLERS,
    reason: "users who may read, without a service account to review them with; default: the HPA controller's names",
  }),
  AUTOSCALER_METRICS_API_NAMESPACE: text({
    default: "",
    reason: "the only namespace whose HPAs are answered; empty: the pod's own, or outside a cluster all",
  }),
  AUTOSCALER_METRICS_API_SERVICE_ACCOUNT_DIR: text({
    default: SERVICE_ACCOUNT,
    reason: "holds token, ca.crt and namespace for calls to the API server; read at each call, because the kubelet renews them",
  }),
  KUBERNETES_SERVICE_HOST: text({ default: "", reason: "the API server, set by the kubelet; empty: outside a cluster" }),
  KUBERNETES_SERVICE_PORT: integer(1, 65_535, { default: "443", reason: "its port, set by the kubelet" }),
};
export type MetricsApiConfig = Values<typeof metricsApiVariables>;

/** Undefined where it is off. Throws a ConfigError where settings contradict each other. */
export function metricsApiOptions(config: MetricsApiConfig): MetricsApiOptions | undefined {
  const listen = config.AUTOSCALER_METRICS_API_LISTEN;
  if (!listen) return undefined;
  const [certFile, keyFile] = [config.AUTOSCALER_METRICS_API_CERT_FILE, config.AUTOSCALER_METRICS_API_KEY_FILE];
  const directory = config.AUTOSCALER_METRICS_API_SERVICE_ACCOUNT_DIR;
  const host = config.KUBERNETES_SERVICE_HOST;
  const kubernetes = host !== "" && hasServiceAccount(directory) ? { host, port: config.KUBERNETES_SERVICE_PORT, directory } : undefined;
  const path = config.AUTOSCALER_METRICS_API_CLIENT_CA_FILE;
  const faults: string[] = [];
  if ((certFile === "") !== (keyFile === ""))
    faults.push("AUTOSCALER_METRICS_API_CERT_FILE and AUTOSCALER_METRICS_API_KEY_FILE: set both or neither");
  if (path === "" && !kubernetes)
    faults.push(
      `AUTOSCALER_METRICS_API_CLIENT_CA_FILE: must be set, because no API server can be asked: KUBERNETES_SERVICE_HOST is ${host === "" ? "empty" : "set, but no service account's token is mounted"}`,
    );
  if (faults.length > 0) throw new ConfigError(faults);
  return {
    listen,
    certificate: certFile === "" ? { kind: "self-signed" } : { kind: "files", certFile, keyFile },
    trust: path === "" ? { kind: "cluster" } : { kind: "file", path, names: config.AUTOSCALER_METRICS_API_CLIENT_NAMES },
    kubernetes,
    allowedUsers: config.AUTOSCALER_METRICS_API_ALLOWED_USERS,
    namespace: config.AUTOSCALER_METRICS_API_NAMESPACE || undefined,
  };
}
