import type { Outcome } from "../../../core/outcome.ts";

export interface VonageAnswer {
  status: number;
  /** The parsed body; undefined where it is not JSON. */
  body: unknown;
  retryAfterMs: number | undefined;
}

/** Vonage names no time with status 1 and 10; its limit is per second. */
const THROTTLED_WAIT_MS = 1_000;

const throttled = (reason: string): Outcome => ({ kind: "throttled", reason, retryAfterMs: THROTTLED_WAIT_MS });
const rejected = (reason: string): Outcome => ({ kind: "rejected", reason });
const misconfigured = (reason: string): Outcome => ({ kind: "misconfigured", reason });
const gone = (reason: string): Outcome => ({ kind: "endpoint-gone", reason, goneAt: undefined });

/** Vonage: "SMS API: SMS errors", the status of each message in an answer of HTTP 200. */
const BY_STATUS: ReadonlyMap<string, Outcome> = new Map([
  ["1", throttled("throttled")],
  ["10", throttled("too-many-connections")],
  ["2", rejected("parameter-missing")],
  ["3", rejected("parameter-invalid")],
  ["6", rejected("unprocessable")],
  ["12", rejected("too-long")],
  ["17", rejected("blocked-by-provider")],
  ["22", rejected("network-code-invalid")],
  ["23", rejected("callback-url-invalid")],
  ["32", rejected("signature-and-secret")],
  ["4", misconfigured("credentials")],
  ["8", misconfigured("account-barred")],
  ["9", misconfigured("no-credit")],
  ["11", misconfigured("not-enabled")],
  ["14", misconfigured("signature")],
  ["15", misconfigured("sender-not-allowed")],
  ["29", misconfigured("demo-account")],
  ["5", { kind: "unavailable", fault: { code: "vonage-5" } }],
  ["7", gone("number-barred")],
  ["33", gone("number-deactivated")],
]);

/**
 * The outcome of a send. Each part of a text has a status of its own; where some were taken the text is partly on its way, so it counts as
 * accepted with a warning and is not sent again. An unknown status is a refusal: nothing was sent, so it is tried again later.
 */
export function classifyVonage({ status, body, retryAfterMs }: VonageAnswer): Outcome {
  if (status !== 200) return classifyHttp(status, retryAfterMs);
  const parts = readParts(body);
  if (parts === undefined) return { kind: "unanswered", fault: { code: "bad-response" } };
  const taken = parts.filter((p) => p.status === "0");
  const refused = parts.filter((p) => p.status !== "0").map((p) => p.status);
  if (taken[0]) {
    const warning =
      refused.length === 0 ? {} : { warning: `parts-refused ${refused.length}/${parts.length}: ${[...new Set(refused)].join(" ")}` };
    return { kind: "accepted", providerRef: taken[0].messageId, ...warning };
  }
  const first = refused[0]!;
  return BY_STATUS.get(first) ?? { kind: "unavailable", fault: { code: `vonage-${first}` } };
}

function classifyHttp(status: number, retryAfterMs: number | undefined): Outcome {
  if (status === 401 || status === 402 || status === 403) return misconfigured(`http-${status}`);
  if (status === 429) return { kind: "throttled", reason: "too-many-requests", retryAfterMs: retryAfterMs ?? THROTTLED_WAIT_MS };
  if (status >= 300 && status < 400) return misconfigured(`http-${status}`);
  // Refusals come with HTTP 200, so a 4xx was not processed by the API itself.
  if (status >= 400 && status < 500) return { kind: "unavailable", fault: { code: `http-${status}` } };
  return { kind: "unanswered", fault: { code: `http-${status}` } };
}

interface Part {
  /** Digits. */
  status: string;
  messageId: string;
}

/** The parts, or undefined where the body is not of the documented shape. */
function readParts(body: unknown): Part[] | undefined {
  if (typeof body !== "object" || body === null || !("messages" in body) || !Array.isArray(body.messages)) return undefined;
  const parts: Part[] = [];
  for (const message of body.messages as unknown[]) {
    if (typeof message !== "object" || message === null) return undefined;
    const { status, "message-id": messageId } = message as { status?: unknown; "message-id"?: unknown };
    if (typeof status !== "string" || !/^\d{1,3}$/.test(status)) return undefined;
    parts.push({ status, messageId: typeof messageId === "string" ? messageId : "" });
  }
  return parts.length === 0 ? undefined : parts;
}
