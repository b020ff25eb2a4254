import { setTimeout as delay } from "node:timers/promises";
import type { FaultAction, Faults } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { Handler, WireOut } from "./listener.ts";
import type { Receipts } from "./receipts.ts";
import type { HttpSimulator, Judgement, WireAnswer, WireRequest } from "./simulator.ts";
import type { WebhookSender } from "./webhooks.ts";
import { cut, goAway, readRequest, send, withoutSecrets } from "./wire.ts";

export interface HandlerParts {
  provider: string;
  simulator: HttpSimulator;
  ledger: Ledger;
  faults: Faults;
  webhooks: WebhookSender;
  receipts: Receipts;
  /** ms since the epoch. */
  now: () => number;
  /** Aborts when the sandbox closes: ends ordered delays. */
  closing: AbortSignal;
}

/** Handles one request to one provider: reads it, applies an ordered fault, judges it, adds it to the ledger, answers. */
export function createHandler(parts: HandlerParts): Handler {
  return (request, response) => {
    // A client that disconnects needs no answer.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    readRequest(request, response, parts.simulator.bodyBytesMax).then(
      (wire) => handle(parts, wire, response),
      () => cut(response),
    );
  };
}

async function handle(
  { provider, simulator, ledger, faults, webhooks, now, closing }: HandlerParts,
  request: WireRequest,
  response: WireOut,
): Promise<void> {
  const side = simulator.sideRequest?.(request);
  if (side !== undefined) {
    const fault = side.faultTarget === undefined ? undefined : faults.take(side.faultTarget, "", "");
    return carryOut(
      fault,
      orderedJudgement(fault, simulator)?.answer ?? side.answer(fault?.kind === "lag" ? fault.ms : 0),
      response,
      closing,
    );
  }
  const receivedAt = now();
  const sent = simulator.read(request);
  const ordering = faults.takeUse(provider, sent.recipient, sent.deliveryId);
  const fault = ordering?.action;
  const ordered = orderedJudgement(fault, simulator);
  // A message that was accepted is found by status queries and reported by webhooks, even if the ordered answer says otherwise.
  const accepted = ordered?.accepted ? simulator.judge(request, sent) : undefined;
  const judgement = ordered ?? simulator.judge(request, sent);
  // Added before the answer is sent: a client that has the answer finds the entry.
  ledger.add({
    provider,
    ...sent,
    accepted: judgement.accepted,
    answer: ledgerAnswer(fault, judgement),
    receivedAt,
    headers: withoutSecrets(request.headers),
    request: `${request.method} ${request.path}`,
    bytes: request.body.length,
    ...(ordering === undefined ? {} : { fault: ordering }),
  });
  if (judgement.accepted) await webhooks.report(provider, sent, (accepted ?? judgement).answer);
  await carryOut(fault, judgement.answer, response, closing);
}

/** The answer that a fault orders; undefined where the simulator judges. */
function orderedJudgement(fault: FaultAction | undefined, { isRefusal }: HttpSimulator): Judgement | undefined {
  if (fault?.kind === "cut-before") return { accepted: false, code: "cut before", answer: { status: 500 } };
  if (fault?.kind !== "answer") return undefined;
  const { status, headers, body } = fault;
  const isText = typeof body === "string" || body === undefined;
  const answer: WireAnswer = {
    status,
    headers: { ...(isText ? {} : { "content-type": "application/json" }), ...headers },
    body: isText ? body : JSON.stringify(body),
  };
  const accepted = fault.accepted ?? (status >= 200 && status < 300 && isRefusal?.(answer) !== true);
  return { accepted, code: `${status} ordered`, answer };
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
