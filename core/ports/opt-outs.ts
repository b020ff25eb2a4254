import type { Channel } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";

export interface OptOutQuestion {
  app: string;
  /** Undefined when the request names an endpoint instead of a user. */
  userId: string | undefined;
  endpoint: Endpoint | undefined;
  channel: Channel;
  category: string;
}

/** "unknown": it could not be read; the consequence depends on the class. */
export type OptOutAnswer = "allowed" | "opted-out" | "unknown";

/** Of several people: one who opted out decides, then one who could not be asked. */
export const strictest = (answers: readonly OptOutAnswer[]): OptOutAnswer =>
  answers.includes("opted-out") ? "opted-out" : answers.length === 0 || answers.includes("unknown") ? "unknown" : "allowed";

/** Checks opt-outs. Answers in the order of the questions; never rejects. */
export interface OptOuts {
  check(questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]>;
}
