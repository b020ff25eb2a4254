import { setTimeout as delay } from "node:timers/promises";
import type { FaultAction, Faults } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { Handler, WireOut } from "./listener.ts";
import type { Judgement, Play, WireAnswer, WireRequest } from "./simulator.ts";
import type { TellingWebhooks } from "./webhooks.ts";
import { cut, goAway, readRequest, send, withoutSecrets } from "./wire.ts";

export interface ExchangeParts {
  provider: string;
  play: Play;
  ledger: Ledger;
  faults: Faults;
  webhooks: TellingWebhooks;
  /** ms since the epoch. */
  now: () => number;
  /** Ends ordered delays. */
  closing: AbortSignal;
}

/** One request of one provider: read, spoil if that was ordered, judge, write down, answer. */
export function createExchange(parts: ExchangeParts): Handler {
  return (request, response) => {
    // A client that hangs up half way has no answer to get.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    readRequest(request, response, parts.play.bodyBytesMax).then(
      (wire) => handle(parts, wire, response),
      () => cut(response),
    );
  };
}

async function handle(
  { provider, play, ledger, faults, webhooks, now, closing }: ExchangeParts,
  request: WireRequest,
  response: WireOut,
): Promise<void> {
  const aside = play.aside?.(request);
  if (aside !== undefined) {
    const fault = aside.faultTarget === undefined ? undefined : faults.take(aside.faultTarget, "", "");
    return carryOut(fault, orderedJudgement(fault)?.answer ?? aside.answer(fault?.kind === "lag" ? fault.ms : 0), response, closing);
  }
  const receivedAt = now();
  const sent = play.read(request);
  const fault = faults.take(provider, sent.recipient, sent.deliveryId);
  const ordered = orderedJudgement(fault);
  // What was taken is found by status queries and told of, whatever was answered.
  const taken = ordered?.accepted ? play.judge(request, sent) : undefined;
  const judgement = ordered ?? play.judge(request, sent);
  // Written down before a byte of the answer leaves: whoever has the answer finds the entry.
  ledger.add({
    provider,
    ...sent,
    accepted: judgement.accepted,
    answer: ledgerAnswer(fault, judgement),
    receivedAt,
    headers: withoutSecrets(request.headers),
  });
  if (judgement.accepted) await webhooks.tell(provider, sent, (taken ?? judgement).answer);
  await carryOut(fault, judgement.answer, response, closing);
}

/** What a fault says in the provider's place; undefined where the provider is to judge. */
function orderedJudgement(fault: FaultAction | undefined): Judgement | undefined {
  if (fault?.kind === "cut-before") return { accepted: false, code: "cut before", answer: { status: 500 } };
  if (fault?.kind !== "answer") return undefined;
  const { status, headers, body } = fault;
  const isText = typeof body === "string" || body === undefined;
  return {
    accepted: fault.accepted ?? (status >= 200 && status < 300),
    code: `${status} ordered`,
    answer: {
      status,
      headers: { ...(isText ? {} : { "content-type": "application/json" }), ...headers },
      body: isText ? body : JSON.stringify(body),
    },
  };
}

function ledgerAnswer(fault: FaultAction | undefined, judgement: Judgement): string {
  switch (fault?.kind) {
    case "no-answer":
      return "no answer";
    case "cut-after":
      return "cut after";
    case "goaway":
      return "goaway";
    default:
      return judgement.code;
  }
}

async function carryOut(fault: FaultAction | undefined, answer: WireAnswer, response: WireOut, closing: AbortSignal): Promise<void> {
  switch (fault?.kind) {
    case undefined:
    case "answer":
    case "lag":
      return send(response, answer);
    case "delay":
      await delay(fault.ms, undefined, { signal: closing }).catch(() => undefined);
      return send(response, answer);
    case "no-answer":
      return;
    case "cut-before":
    case "cut-after":
      return cut(response, fault.code);
    case "goaway":
      return goAway(response);
  }
}
