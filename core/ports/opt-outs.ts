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

/** Checks opt-outs. Answers in the order of the questions; never rejects. */
export interface OptOuts {
  check(questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]>;
}
