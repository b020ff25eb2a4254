import type { Channel, NotificationClass } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";
import { REFUSALS, type Refusal } from "../preferences/answer.ts";

export interface OptOutQuestion {
  app: string;
  /** Undefined when the request names an endpoint instead of a user. */
  userId: string | undefined;
  endpoint: Endpoint | undefined;
  channel: Channel;
  category: string;
  notificationClass: NotificationClass;
  /** Of a text: the name of its sender; undefined: the default. */
  pool?: string | undefined;
}

/** "unknown": it could not be read; the consequence depends on the class. Anything but "allowed" and "unknown" says why it must not be sent. */
export type OptOutAnswer = "allowed" | "unknown" | Refusal;

export const isRefusal = (answer: OptOutAnswer): answer is Refusal => answer !== "allowed" && answer !== "unknown";

/** Of several people: one who refuses decides, then one who could not be asked. */
export const strictest = (answers: readonly OptOutAnswer[]): OptOutAnswer =>
  REFUSALS.find((refusal) => answers.includes(refusal)) ?? (answers.length === 0 || answers.includes("unknown") ? "unknown" : "allowed");

/** Checks opt-outs. Answers in the order of the questions; never rejects. */
export interface OptOuts {
  check(questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]>;
}
