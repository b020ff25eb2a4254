import { createPrivateKey, type KeyObject } from "node:crypto";
import { SignJWT } from "jose/jwt/sign";
import { Agent, request } from "undici";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { AddressFilter } from "../../runtime/outbound.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import { trusting } from "../transport/provider-connections.ts";
import { parseRetryAfter } from "../transport/retry-after.ts";
import { classifyTransport } from "../transport/transport-fault.ts";
import type { ServiceAccount } from "./config.ts";

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
/** Google Identity: the assertion lives an hour at most. In seconds. */
const ASSERTION_S = 3600;
/** RFC 7518, 3.3, for RS256. */
const RSA_BITS_MIN = 2048;
/** A token is renewed this long before it expires, so that none expires on the way. In ms. */
const RENEW_BEFORE_MS = 5 * 60_000;
/** A token that is rejected this soon after the exchange is not exchanged again: another one would be rejected too. In ms. */
export const TOKEN_FRESH_MS = 60_000;
/** After a failed exchange every push shares its answer for so long, instead of asking again. In ms. */
const FAILURE_HELD_MS = 2_000;
/** Bytes of an answer; Google's are below 2 kB. */
const ANSWER_BYTES_MAX = 65_536;

export type TokenAnswer = { kind: "token"; accessToken: string; fresh: boolean } | { kind: "failed"; outcome: Outcome };

/** The access token for FCM, exchanged for a signed assertion (Google Identity: OAuth 2.0 for server to server applications). */
export interface AccessToken extends AsyncDisposable {
  /** Undefined where get() would exchange, or waits for an exchange. */
  current(): TokenAnswer | undefined;
  /** At most one exchange is under way, however many wait for it. Never rejects. */
  get(): Promise<TokenAnswer>;
  /** FCM rejected this one; the next get() exchanges again. */
  rejected(accessToken: string): void;
}

interface AccessTokenOptions {
  account: ServiceAccount;
  tokenUrl: string;
  /** PEM of further authorities; empty: the system's alone. */
  ca: string;
  addressFilter: AddressFilter | undefined;
  deadlineMs: number;
  clock: Clock;
}

interface Cached {
  answer: { kind: "token"; accessToken: string } | { kind: "failed"; outcome: Outcome };
  at: number;
  until: number;
}

/** Throws where the private key is no RSA key of 2048 bits or more in PEM. */
export function createAccessToken({ account, tokenUrl, ca, addressFilter, deadlineMs, clock }: AccessTokenOptions): AccessToken {
  const key = readKey(account.privateKey);
  const agent = new Agent({
    connections: 1,
    allowH2: false,
    connect: { secureContext: trusting(ca), ...(addressFilter && { lookup: addressFilter.lookup }) },
  });
  let cached: Cached | undefined;
  let exchange: Promise<Cached> | undefined;

  const usable = () => (cached !== undefined && clock.monotonic() < cached.until ? cached : undefined);
  const answerOf = ({ answer, at }: Cached): TokenAnswer =>
    answer.kind === "token" ? { ...answer, fresh: clock.monotonic() - at < TOKEN_FRESH_MS } : answer;

  return {
    current() {
      const known = usable();
      return known && answerOf(known);
    },
    async get() {
      const known = usable();
      if (known !== undefined) return answerOf(known);
      exchange ??= ask().finally(() => {
        exchange = undefined;
      });
      cached = await exchange;
      return answerOf(cached);
    },
    rejected(accessToken) {
      if (cached?.answer.kind === "token" && cached.answer.accessToken === accessToken) cached = undefined;
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };

  async function ask(): Promise<Cached> {
    const answer = await exchanged();
    const at = clock.monotonic();
    if (answer.kind === "failed") return { answer, at, until: at + FAILURE_HELD_MS };
    const { accessToken, livesMs } = answer;
    return { answer: { kind: "token", accessToken }, at, until: at + Math.max(livesMs - RENEW_BEFORE_MS, FAILURE_HELD_MS) };
  }

  /** Nothing of any push is under way yet, so whatever goes wrong here was "not sent". */
  async function exchanged(): Promise<{ kind: "token"; accessToken: string; livesMs: number } | { kind: "failed"; outcome: Outcome }> {
    try {
      const issuedAt = Math.floor(clock.now() / 1000);
      const claims = { iss: account.clientEmail, aud: tokenUrl, scope: SCOPE, iat: issuedAt, exp: issuedAt + ASSERTION_S };
      const assertion = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", typ: "JWT" }).sign(key);
      const answer = await request(tokenUrl, {
        method: "POST",
        dispatcher: agent,
        signal: AbortSignal.timeout(deadlineMs),
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }).toString(),
      });
      const body = parse((await readText(answer.body)) ?? "");
      if (answer.statusCode !== 200) {
        const wait = parseRetryAfter(answer.headers["retry-after"], clock.now());
        return { kind: "failed", outcome: classifyExchange(answer.statusCode, body.error, wait) };
      }
      const { access_token: accessToken, expires_in: seconds } = body;
      if (typeof accessToken === "string" && typeof seconds === "number") return { kind: "token", accessToken, livesMs: seconds * 1000 };
      return { kind: "failed", outcome: { kind: "unavailable", fault: { code: "token-answer" } } };
    } catch (error) {
      return { kind: "failed", outcome: classifyTransport(error, { written: false }) };
    }
  }
}

/** RFC 6749 section 5.2 names these; each says that our account or key is wrong, invalid_grant also that our clock is. */
const OUR_FAULT = ["invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"];

/** The default for what is not listed: 4xx is ours to fix, anything else is temporary. */
function classifyExchange(status: number, error: unknown, retryAfterMs: number | undefined): Outcome {
  if (status === 429) return { kind: "throttled", retryAfterMs, reason: "token-throttled" };
  const known = OUR_FAULT.find((word) => word === error);
  if (known !== undefined) return { kind: "misconfigured", reason: `token-${known}` };
  if (status >= 400 && status < 500) return { kind: "misconfigured", reason: `token-http-${status}` };
  return { kind: "unavailable", fault: { code: `token-http-${status}` }, retryAfterMs };
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): Record<string, unknown> {
  const value = parseJson(text);
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function readKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    if (key.asymmetricKeyType === "rsa" && modulusLength >= RSA_BITS_MIN) return key;
  } catch {
    // OpenSSL's message may quote the key.
  }
  throw new Error(`FCM_SERVICE_ACCOUNT_FILE's private_key is no RSA key of ${RSA_BITS_MIN} bits or more in PEM`);
}
