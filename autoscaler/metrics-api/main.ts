import type { Clock } from "../../core/ports/clock.ts";
import { reachable } from "../../runtime/host-port.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { RateApiParts, RunningRateApi } from "../rate-api.ts";
import { createAnswer } from "./answer.ts";
import { createAllowList, createReview } from "./authorize.ts";
import { type Certificate, type CertificateSource, readCertificate, selfSigned } from "./certificate.ts";
import { startHttps } from "./https-service.ts";
import { createKubernetes, type KubernetesAccess } from "./kubernetes-service.ts";
import { createTrustReader, openTrust, type TrustSource } from "./trust.ts";

/** Between two reloads of the front proxy's authority and the server certificate, in ms; one small request to the API server. */
export const RELOAD_MS = 60_000;
/** The same until the authority has been read once: until then no request is answered. */
export const FIRST_RELOAD_MS = 5_000;
/** Least time between two reloads caused by unverified clients: they must not cause a request to the API server each. */
export const UNVERIFIED_RELOAD_MS = 5_000;
/** Between two equal log lines, in ms. */
const REPEAT_MS = 60_000;
/** Different log lines remembered for that. */
const REPEATS_MAX = 100;

export interface MetricsApiOptions {
  listen: { host: string; port: number };
  certificate: CertificateSource;
  trust: TrustSource;
  /** Undefined outside a cluster: then the users in `allowedUsers` may read, without a review. */
  kubernetes: KubernetesAccess | undefined;
  allowedUsers: readonly string[];
  /** Undefined: the service account's, or without one every namespace. */
  namespace: string | undefined;
}

export interface MetricsApi extends RunningRateApi {
  readonly port: number;
}

/**
 * Serves external.metrics.k8s.io/v1beta1 with one metric, carillon_required_per_second. Disposal finishes open requests. Rejects with an
 * OperatorError where the certificate or the front proxy's authority cannot be read, and with the system's error when it cannot listen.
 */
export async function startMetricsApi(options: MetricsApiOptions, parts: RateApiParts): Promise<MetricsApi> {
  const { rates, release, clock, log, httpRejections } = parts;
  await using stack = new AsyncDisposableStack();
  const kubernetes = options.kubernetes && stack.use(createKubernetes(options.kubernetes));
  const trust = await openTrust(createTrustReader(options.trust, kubernetes), log);
  const namespace = options.namespace ?? (await kubernetes?.namespace());
  const source = options.certificate;
  let certificate: Certificate = source.kind === "files" ? readCertificate(source, clock.now()) : await selfSigned(clock.now());

  const ended = new AbortController();
  stack.defer(() => ended.abort());
  const warn = warnOnce(clock, log);
  let reloadedAt = Number.NEGATIVE_INFINITY;

  const https = stack.use(
    await startHttps({
      ...options.listen,
      certificate,
      ca: trust.current()?.ca,
      answer: createAnswer({
        rates,
        release,
        namespace,
        frontProxy: trust.current,
        authorize: kubernetes ? createReview(kubernetes, clock.monotonic) : createAllowList(options.allowedUsers),
        onRejected(why, isUnverified) {
          warn(why);
          // The cluster's authority may have changed.
          if (!isUnverified || clock.monotonic() - reloadedAt < UNVERIFIED_RELOAD_MS) return;
          void reload();
        },
      }),
      onRejected: (reason, peer) => httpRejections("metrics-api", reason, peer),
      onError: (error) => log.error({ err: error }, "metrics API request failed"),
    }),
  );

  /** Never rejects. What cannot be read stays as it was. */
  async function reload(): Promise<void> {
    reloadedAt = clock.monotonic();
    try {
      await trust.refresh();
      if (source.kind === "files") certificate = readCertificate(source, clock.now());
      https.renew(certificate, trust.current()?.ca);
    } catch (error) {
      log.warn({ err: error }, "metrics API certificate not reloaded, keeping the one before");
    }
  }
  async function reloadPeriodically(): Promise<void> {
    while (!ended.signal.aborted) {
      await clock.sleep(trust.current() ? RELOAD_MS : FIRST_RELOAD_MS, ended.signal);
      if (!ended.signal.aborted) await reload();
    }
  }
  void reloadPeriodically();
  log.info(
    { port: https.port, namespace, authority: options.trust.kind, readers: kubernetes ? "reviewed" : options.allowedUsers },
    "serving external.metrics.k8s.io",
  );
  const kept = stack.move();
  return { port: https.port, address: reachable(options.listen.host, https.port), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Logs the same rejection once per REPEAT_MS: an HPA controller repeats it every 15 s for each channel. */
function warnOnce(clock: Clock, log: Logger): (why: string) => void {
  const loggedAt = new Map<string, number>();
  return (why) => {
    const now = clock.monotonic();
    const before = loggedAt.get(why);
    if (before !== undefined && now - before < REPEAT_MS) return;
    if (loggedAt.size >= REPEATS_MAX) loggedAt.clear();
    loggedAt.set(why, now);
    log.warn({ why }, "metrics API request rejected");
  };
}
