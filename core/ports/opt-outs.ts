import type { Channel } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";

export interface OptOutQuestion {
  app: string;
  /** Undefined when the recipient is an endpoint given outright. */
  userId: string | undefined;
  endpoint: Endpoint | undefined;
  channel: Channel;
  category: string;
}

/** "unknown" means it could not be read; what follows depends on the class. */
export type OptOutAnswer = "allowed" | "opted-out" | "unknown";

/** Asks whether sending is opted out. Answers in the order of the questions; never rejects. */
export interface OptOuts {
  check(questions: readonly OptOutQuestion[]): Promise<OptOutAnswer[]>;
}
