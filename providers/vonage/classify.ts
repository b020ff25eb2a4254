import type { Outcome } from "../../core/delivery/outcome.ts";
import { answerTable, gone, misconfigured, rejected, throttled, unanswered, unavailable } from "../answer-table.ts";

/** What Vonage answered to a send. */
export interface VonageAnswer {
  status: number;
  /** The parsed body; undefined where it is not JSON. */
  body: unknown;
  retryAfterMs: number | undefined;
}

/** Vonage names no time with status 1 and 10; its limit is per second. */
const THROTTLED_WAIT_MS = 1_000;

/** Vonage: "SMS API: SMS errors", the status of each message in an answer of HTTP 200. */
const BY_STATUS = answerTable<VonageAnswer>({
  1: throttled("throttled", THROTTLED_WAIT_MS),
  10: throttled("too-many-connections", THROTTLED_WAIT_MS),
  2: rejected("parameter-missing"),
  3: rejected("parameter-invalid"),
  6: rejected("unprocessable"),
  12: rejected("too-long"),
  17: rejected("blocked-by-provider"),
  22: rejected("network-code-invalid"),
  23: rejected("callback-url-invalid"),
  32: rejected("signature-and-secret"),
  4: misconfigured("credentials"),
  8: misconfigured("account-barred"),
  9: misconfigured("no-credit"),
  11: misconfigured("not-enabled"),
  14: misconfigured("signature"),
  // In the destination's country.
  15: misconfigured("sender-not-allowed", "destination-country"),
  // A demo account sends to the numbers on its list, and this one is not.
  29: misconfigured("demo-account", "endpoint"),
  5: unavailable("vonage-5"),
  7: gone("number-barred"),
  33: gone("number-deactivated"),
});

/** Rejections come with HTTP 200; these never reached the API. */
const BY_HTTP_STATUS = answerTable<VonageAnswer>({
  401: misconfigured("http-401"),
  402: misconfigured("http-402"),
  403: misconfigured("http-403"),
  429: ({ retryAfterMs }) => throttled("too-many-requests", retryAfterMs ?? THROTTLED_WAIT_MS),
});
export const VONAGE_CODES = [...BY_STATUS.codes, ...BY_HTTP_STATUS.codes.map((status) => `HTTP ${status}`)];

/**
 * The outcome of a send. Each part of a text has a status of its own; where some were accepted the text is partly sent, so it counts as
 * accepted with a warning and is not sent again. An unknown status is a rejection: nothing was sent, so it is tried again later.
 */
export function classifyVonage(answer: VonageAnswer): Outcome {
  if (answer.status !== 200) return classifyHttp(answer);
  const parts = readParts(answer.body);
  if (parts === undefined) return unanswered("bad-response");
  const accepted = parts.filter((p) => p.status === "0");
  const rejected = parts.filter((p) => p.status !== "0").map((p) => p.status);
  if (accepted[0]) {
    const warning =
      rejected.length === 0 ? {} : { warning: `parts-rejected ${rejected.length}/${parts.length}: ${[...new Set(rejected)].join(" ")}` };
    return { kind: "accepted", providerRef: accepted[0].messageId, ...warning };
  }
  const first = rejected[0]!;
  return BY_STATUS.outcomeOf(first, answer) ?? unavailable(`vonage-${first}`);
}

function classifyHttp(answer: VonageAnswer): Outcome {
  const { status } = answer;
  const code = `http-${status}`;
  const documented = BY_HTTP_STATUS.outcomeOf(status, answer);
  if (documented !== undefined) return documented;
  if (status >= 300 && status < 400) return misconfigured(code);
  return status >= 400 && status < 500 ? unavailable(code) : unanswered(code);
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
