import { type ChannelCredentials, experimental, type ServerCredentials } from "@grpc/grpc-js";
import { ConfigError, watchedFile } from "../config.ts";
import type { Logger } from "../logger.ts";
import { hostOf, isLoopback } from "../loopback.ts";
import { POLL_MS } from "../watch-config.ts";
import { expiresAt, isSame, readTlsFiles, type TlsFiles, type TlsTexts, tlsFaults } from "./tls-files.ts";

/** A lasting fault is logged again after this time. */
const REPEAT_MS = 600_000;

/** Our certificate and the trusted CAs, as in the files now: connections opened after a change use the new files. */
export interface Certificates {
  /** If there is a CA, clients must present a certificate that it signed. */
  forServer(): ServerCredentials;
  /** Trusts the CA and presents the certificate. */
  forClient(): ChannelCredentials;
  /** For a server of node:https: what the files hold now, and calls with what they hold later. */
  watch(changed: (texts: TlsTexts) => void): CertificateWatch;
}
export interface CertificateWatch extends Disposable {
  readonly first: TlsTexts;
}

/** mTLS among our own services. */
export const internalTlsVariables = {
  INTERNAL_TLS_CERT_FILE: watchedFile({
    default: "",
    reason:
      "PEM certificate chain shown to our other services, for servers and clients; set all three INTERNAL_TLS_* or none; empty: plain text",
  }),
  INTERNAL_TLS_KEY_FILE: watchedFile({ default: "", reason: "PEM key of INTERNAL_TLS_CERT_FILE" }),
  INTERNAL_TLS_CA_FILE: watchedFile({
    default: "",
    reason: "PEM authorities that sign our services' certificates; certificates of other CAs are rejected",
  }),
};

const INTERNAL_TLS = { cert: "INTERNAL_TLS_CERT_FILE", key: "INTERNAL_TLS_KEY_FILE", ca: "INTERNAL_TLS_CA_FILE" } as const;

/**
 * For startGrpcServer and createClient alike. Undefined if the variables are empty, which is logged as a warning where `address`, at which tokens
 * and addresses are received or sent, is not this machine's own; throws a ConfigError if the files cannot be used.
 */
export function internalTls(
  config: Readonly<Record<keyof typeof internalTlsVariables, string>>,
  log: Logger,
  address?: string,
): Certificates | undefined {
  const tls = openCertificates(config, INTERNAL_TLS, log);
  if (!tls && address !== undefined)
    warnOfPlainText(log, address, "calls between our services are plain text: whoever can read them gets the internal token and addresses");
  return tls;
}

/** Says what is at risk on an address that is served or called without TLS; once, at start. */
export function warnOfPlainText(log: Logger, address: string, risk: string): void {
  if (!isLoopback(hostOf(address))) log.warn({ hostPort: address }, `${risk}; set certificates, or encrypt below (a mesh)`);
}

/** Which variables hold the paths. */
export interface TlsNames<Name extends string> {
  cert: Name;
  key: Name;
  ca: Name;
  /** If false, `ca` must be set when the others are. */
  caIsOptional?: boolean;
}

export function openCertificates<Name extends string>(
  config: Readonly<Record<Name, string>>,
  names: TlsNames<Name>,
  log: Logger,
): Certificates | undefined {
  const { cert, key, ca } = names;
  const isEmpty = (name: Name) => config[name] === "";
  if ([cert, key, ca].every(isEmpty)) return undefined;
  const missing = (names.caIsOptional ? [cert, key] : [cert, key, ca]).filter(isEmpty);
  if (missing.length > 0) {
    const given = [cert, key, ca].filter((name) => !isEmpty(name)).join(" and ");
    throw new ConfigError(missing.map((name) => `${name}: must be set where ${given} is`));
  }
  const file = (name: Name) => ({ name, path: config[name] });
  return watchCertificates({ cert: file(cert), key: file(key), ca: isEmpty(ca) ? undefined : file(ca) }, { log });
}

/**
 * The files are read again while a server or client uses them. Unusable files are logged and the previous ones stay in use.
 * Throws a ConfigError if they cannot be used at the start.
 */
export function watchCertificates(
  files: TlsFiles,
  { log, pollMs = POLL_MS, now = Date.now }: { log: Logger; pollMs?: number; now?: () => number },
): Certificates {
  const usable = (texts: TlsTexts | string): TlsTexts | string[] => {
    if (typeof texts === "string") return [texts];
    const faults = tlsFaults(files, texts, now());
    return faults.length > 0 ? faults : texts;
  };
  const first = usable(readTlsFiles(files));
  if (Array.isArray(first)) throw new ConfigError(first);
  let current = first;
  let endsAt = expiresAt(current.cert);
  const listeners = new Set<() => void>();
  const variables = [files.cert, files.key, files.ca].flatMap((file) => file?.name ?? []);
  let last = { fault: "", at: 0 };

  const report = (fault: string, what: string) => {
    if (fault === last.fault && now() - last.at < REPEAT_MS) return;
    last = { fault, at: now() };
    log.error({ variables, fault, expiresAt: new Date(endsAt).toISOString() }, what);
  };
  const refresh = () => {
    const texts = readTlsFiles(files);
    if (typeof texts !== "string" && isSame(texts, current)) {
      if (now() <= endsAt) last = { fault: "", at: 0 };
      else report(`${files.cert.name}: the certificate expired`, "the certificate in use has expired: peers will reject it");
      return;
    }
    const found = usable(texts);
    if (Array.isArray(found)) return report(found.join("; "), "certificate files cannot be used; the ones before stay in use");
    current = found;
    endsAt = expiresAt(current.cert);
    last = { fault: "", at: 0 };
    for (const notify of listeners) notify();
    log.info({ variables, expiresAt: new Date(endsAt).toISOString() }, "certificates reloaded");
  };

  let timer: NodeJS.Timeout | undefined;
  /** grpc-js expects each listener to receive the current value and then every change. */
  const registry = <Update>(updateOf: (texts: TlsTexts) => Update) => {
    const notifiers = new Map<(update: Update | null) => void, () => void>();
    return {
      add(listener: (update: Update | null) => void) {
        const notify = () => listener(updateOf(current));
        notifiers.set(listener, notify);
        listeners.add(notify);
        if (!timer) {
          // The files were not read while there was no listener.
          refresh();
          timer = setInterval(refresh, pollMs).unref();
        }
        process.nextTick(() => listeners.has(notify) && notify());
      },
      remove(listener: (update: Update | null) => void) {
        const notify = notifiers.get(listener);
        if (notify) listeners.delete(notify);
        notifiers.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      },
    };
  };
  const identities = registry(({ cert, key }) => ({ certificate: cert, privateKey: key }));
  const authorities = registry(({ ca }) => (ca ? { caCertificate: ca } : null));
  const whole = registry((texts) => texts);
  const provider: experimental.CertificateProvider = {
    addIdentityCertificateListener: identities.add,
    removeIdentityCertificateListener: identities.remove,
    addCaCertificateListener: authorities.add,
    removeCaCertificateListener: authorities.remove,
  };
  const { createCertificateProviderServerCredentials, createCertificateProviderChannelCredentials } = experimental;
  return {
    forServer() {
      // The identity comes first, whatever the parameters are called (grpc-js 1.14: server-credentials.ts); null: ask for no certificate.
      return createCertificateProviderServerCredentials(provider, files.ca ? provider : null, files.ca !== undefined);
    },
    forClient() {
      if (!files.ca) throw new Error("a client needs a CA to trust");
      return createCertificateProviderChannelCredentials(provider, provider);
    },
    watch(changed) {
      const listener = (texts: TlsTexts | null) => void (texts && changed(texts));
      whole.add(listener);
      return { first: current, [Symbol.dispose]: () => whole.remove(listener) };
    },
  };
}
