/** Where an app is told of its events. Times are ms since the epoch. */
export interface WebhookEndpoint {
  /** By which operators name it; unique within the app. */
  name: string;
  url: string;
  /** The newest first. Each signs until it ends, so that a receiver can change them without a gap. */
  secrets: WebhookSecret[];
  /** Since when every call has failed; absent: the last one succeeded, or there was none. */
  failingSince?: number | undefined;
  /** It is not called, and no events are kept for it. */
  disabled?: { at: number; why: DisabledWhy } | undefined;
}

/** "gone": it answered 410. "failing": every call failed for FAILING_MS_MAX. */
export type DisabledWhy = "gone" | "failing";

export interface WebhookSecret {
  /** With the installation's key, so that the store alone does not give it away. */
  sealed: string;
  /** From then on it signs no more; absent: it stays. */
  until?: number | undefined;
}

/** Each event is stored and sent once for each of them. */
export const ENDPOINTS_MAX = 5;
/** Each call carries a signature for each. */
export const SECRETS_MAX = 3;

export const ENDPOINT_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
export const ENDPOINT_NAME_RULE = "must be 1 to 32 of a-z, 0-9 and -, and not begin with -";

const URL_CHARS_MAX = 2_048;

/**
 * What is wrong with the URL of an endpoint, in words; undefined where nothing is.
 * @param isLoopback whether a host is this machine
 */
export function urlFault(text: string, isLoopback: (host: string) => boolean): string | undefined {
  if (text.length > URL_CHARS_MAX) return `must have at most ${URL_CHARS_MAX} characters`;
  if (!URL.canParse(text)) return "must be a URL";
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopback(hostname)))
    return "must begin with https: unless it is at a loopback address";
  return username + password + hash === "" ? undefined : "must have no credentials and no fragment";
}

export const isActive = ({ disabled }: WebhookEndpoint): boolean => disabled === undefined;

/** The sealed secrets that sign now. */
export const signingSecrets = ({ secrets }: WebhookEndpoint, now: number): string[] =>
  secrets.filter(({ until }) => until === undefined || until > now).map(({ sealed }) => sealed);

/** With a new secret beside those that are valid now, which end after the overlap at the latest. */
export function withNewSecret(endpoint: WebhookEndpoint, sealed: string, now: number, overlapMs: number): WebhookEndpoint {
  const until = now + overlapMs;
  const ending = endpoint.secrets.map((secret) => ({ ...secret, until: Math.min(secret.until ?? until, until) }));
  return { ...endpoint, secrets: [{ sealed }, ...ending.filter((secret) => secret.until > now)].slice(0, SECRETS_MAX) };
}
