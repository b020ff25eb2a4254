import type { Channel } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";

export interface RefusalQuestion {
  app: string;
  /** Undefined when the recipient is an endpoint given outright. */
  userId: string | undefined;
  endpoint: Endpoint | undefined;
  channel: Channel;
  category: string;
}

/** "unknown" means it could not be read; what follows depends on the class. */
export type RefusalAnswer = "allowed" | "refused" | "unknown";

/** Asks whether sending is refused. Answers in the order of the questions; never rejects. */
export interface Refusals {
  check(questions: readonly RefusalQuestion[]): Promise<RefusalAnswer[]>;
}
