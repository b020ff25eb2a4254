import type { Clock } from "../../core/ports/clock.ts";
import { reachable } from "../../runtime/http/reachable.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { RateApiParts, RunningRateApi } from "../rate-api.ts";
import { createAnswer } from "./answer.ts";
import { createAllowList, createReview } from "./authorize.ts";
import { type Certificate, type CertificateSource, readCertificate, selfSigned } from "./certificate.ts";
import { startHttps } from "./https-service.ts";
import { createKubernetes, type KubernetesAccess } from "./kubernetes-service.ts";
import { createTrustReader, openTrust, type TrustSource } from "./trust.ts";

/** Between two looks at the front proxy's authority and at our own certificate, in ms; one small request to the API server. */
export const REFRESH_MS = 60_000;
/** The same while the authority has never been read: nothing is answered until then. */
export const FIRST_REFRESH_MS = 5_000;
/** Between two looks because somebody came with a certificate we cannot verify: strangers must not make us ask. */
export const UNVERIFIED_REFRESH_MS = 5_000;
/** Between two log lines that say the same, in ms. */
const REPEAT_MS = 60_000;
/** Different rejections remembered for that. */
const REPEATS_MAX = 100;

export interface MetricsApiOptions {
  listen: { host: string; port: number };
  certificate: CertificateSource;
  trust: TrustSource;
  /** Undefined outside a cluster: then nobody is asked who may read, the users named in `allowedUsers` may. */
  kubernetes: KubernetesAccess | undefined;
  allowedUsers: readonly string[];
  /** Undefined: the service account's, or every one where there is none. */
  namespace: string | undefined;
}

export interface MetricsApi extends RunningRateApi {
  readonly port: number;
}

/**
 * Serves external.metrics.k8s.io/v1beta1 with one metric, carillon_required_per_second. Disposal finishes what is under way. Rejects with an
 * OperatorError where the certificate or the front proxy's authority cannot be had, and with the system's error when it cannot listen.
 */
export async function startMetricsApi(options: MetricsApiOptions, { rates, release, clock, log }: RateApiParts): Promise<MetricsApi> {
  await using stack = new AsyncDisposableStack();
  const kubernetes = options.kubernetes && stack.use(createKubernetes(options.kubernetes));
  const trust = await openTrust(createTrustReader(options.trust, kubernetes), log);
  const namespace = options.namespace ?? (await kubernetes?.namespace());
  const source = options.certificate;
  let certificate: Certificate = source.kind === "files" ? readCertificate(source, clock.now()) : await selfSigned(clock.now());

  const ended = new AbortController();
  stack.defer(() => ended.abort());
  const warn = warnOnce(clock, log);
  let lookedAt = Number.NEGATIVE_INFINITY;

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
        onOptedOut(why, isStranger) {
          warn(why);
          // Perhaps the authority is a new one.
          if (!isStranger || clock.monotonic() - lookedAt < UNVERIFIED_REFRESH_MS) return;
          void look();
        },
      }),
      onFault: (error) => log.error({ err: error }, "a request of the metrics API failed"),
    }),
  );

  /** Never rejects. What cannot be read now leaves what is in force. */
  async function look(): Promise<void> {
    lookedAt = clock.monotonic();
    try {
      await trust.refresh();
      if (source.kind === "files") certificate = readCertificate(source, clock.now());
      https.renew(certificate, trust.current()?.ca);
    } catch (error) {
      log.warn({ err: error }, "the metrics API keeps its former certificate");
    }
  }
  async function lookAgainAndAgain(): Promise<void> {
    while (!ended.signal.aborted) {
      await clock.sleep(trust.current() ? REFRESH_MS : FIRST_REFRESH_MS, ended.signal);
      if (!ended.signal.aborted) await look();
    }
  }
  void lookAgainAndAgain();
  log.info(
    { port: https.port, namespace, authority: options.trust.kind, readers: kubernetes ? "reviewed" : options.allowedUsers },
    "serving external.metrics.k8s.io",
  );
  const kept = stack.move();
  return { port: https.port, address: reachable(options.listen.host, https.port), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The same rejection is told once a minute: an HPA controller is rejected every 15 s for each channel. */
function warnOnce(clock: Clock, log: Logger): (why: string) => void {
  const toldAt = new Map<string, number>();
  return (why) => {
    const now = clock.monotonic();
    const before = toldAt.get(why);
    if (before !== undefined && now - before < REPEAT_MS) return;
    if (toldAt.size >= REPEATS_MAX) toldAt.clear();
    toldAt.set(why, now);
    log.warn({ why }, "a reader of the metrics API was rejected");
  };
}
