import { randomBytes } from "node:crypto";
import type { InboundText } from "./inbound-text.ts";
import { fieldsOf, textOf } from "./read.ts";
import { type Answered, post } from "./webhook-post.ts";
import type { WebhookWriter } from "./webhook-write.ts";

/** What was told of a text: one request, or one for each part. */
export type TellText = (provider: string, text: InboundText) => Promise<Answered[]>;

/** @param target base URL of the receiver; undefined: nobody is told */
export function createTellText(writers: ReadonlyMap<string, WebhookWriter>, target: () => string | undefined): TellText {
  return async (provider, text) => {
    const base = target();
    const writeText = writers.get(provider)?.writeText;
    if (writeText === undefined) throw new RangeError("nobody can write to this provider's senders");
    if (base === undefined) throw new RangeError("webhooks have no target");
    const answers: Answered[] = [];
    for (const request of writeText(text, base)) answers.push(await post(request));
    return answers;
  };
}

const METHODS = ["GET", "POST"] as const;

/** A text as it is ordered; a RangeError names what is wrong with it. */
export function inboundTextOf(given: unknown): InboundText & { provider: string } {
  const fields = fieldsOf(given);
  const optional = (name: string) => (fields[name] === undefined ? undefined : textOf(fields[name]));
  const from = textOf(fields.from);
  if (!/^\+[1-9]\d{6,14}$/.test(from)) throw new RangeError("from is a number with the plus");
  if (typeof fields.text !== "string") throw new RangeError("text is text");
  const method = METHODS.find((one) => one === (fields.method ?? "POST"));
  if (method === undefined) throw new RangeError("method is GET or POST");
  const id = optional("id") ?? randomBytes(16).toString("hex");
  if (!/^[0-9a-f]{32}$/.test(id)) throw new RangeError("id is 32 hex digits");
  return {
    ...{ provider: textOf(fields.provider), from, to: optional("to"), text: fields.text, id, method },
    ...{ account: optional("account") ?? "", service: optional("service"), optOutType: optional("optOutType") },
  };
}
