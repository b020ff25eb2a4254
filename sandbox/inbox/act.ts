import { inboundTextOf } from "../kit/inbound.ts";
import type { LedgerEntry } from "../kit/ledger.ts";
import { fieldsOf, textOf } from "../kit/read.ts";
import type { Webhooks } from "../kit/webhooks.ts";
import { ask, type Sender } from "./history.ts";
import { oneClickOf } from "./read/message.ts";
import type { Acted } from "./view.ts";

/** How long the answer to an unsubscription is waited for, in ms. */
const UNSUBSCRIBE_MS_MAX = 10_000;

export const ACTIONS = ["unsubscribe", "stop", "preferences"] as const;
export type Action = (typeof ACTIONS)[number];

export interface ActParts {
  webhooks: Pick<Webhooks, "tellText">;
  sender: Sender | undefined;
}

/** Does what the recipient of a message may do. Never rejects: the answer says what went wrong. */
export async function act(action: Action, entry: LedgerEntry, parts: ActParts): Promise<Acted> {
  try {
    if (action === "unsubscribe") return await unsubscribe(entry);
    return action === "stop" ? await replyStop(entry, parts) : await preferencePage(entry, parts);
  } catch (error) {
    return { ok: false, said: `Not done: ${(error as Error).message}.` };
  }
}

/** RFC 8058: as a mail program does when its button is pressed. */
async function unsubscribe(entry: LedgerEntry): Promise<Acted> {
  const url = oneClickOf(entry);
  if (url === undefined) return { ok: false, said: "This mail offers no one-click unsubscription." };
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "List-Unsubscribe=One-Click",
    redirect: "manual",
    signal: AbortSignal.timeout(UNSUBSCRIBE_MS_MAX),
  }).catch(() => undefined);
  if (answer === undefined) return { ok: false, said: "Nobody answered at the link to unsubscribe." };
  await answer.body?.cancel();
  return answer.ok
    ? { ok: true, said: `Unsubscribed: the link answered ${answer.status}.` }
    : { ok: false, said: `Not unsubscribed: the link answered ${answer.status}.` };
}

async function replyStop({ provider, recipient, payload }: LedgerEntry, { webhooks }: ActParts): Promise<Acted> {
  const { From, from } = fieldsOf(payload);
  // The number or name that the text came from, as its provider was given it.
  const to = textOf(From) || textOf(from) || undefined;
  const answers = await webhooks.tellText(provider, inboundTextOf({ from: recipient, to, text: "STOP" }));
  const status = answers[0]?.status ?? 0;
  return status >= 200 && status < 300
    ? { ok: true, said: `STOP was sent to ${to ?? "the sender"}, and answered ${status}.` }
    : { ok: false, said: status === 0 ? "STOP was sent, and nobody answered." : `STOP was sent, and answered ${status}.` };
}

async function preferencePage({ deliveryId }: LedgerEntry, { sender }: ActParts): Promise<Acted> {
  if (sender === undefined) return { ok: false, said: "This sandbox does not know who sends here, so it cannot ask for the page." };
  const url = await ask(sender.preferencePage(deliveryId));
  return url === undefined ? { ok: false, said: "The sender has no preference page for this recipient." } : { ok: true, said: "", url };
}
