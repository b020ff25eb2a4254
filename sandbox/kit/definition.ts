import type { ServerCertificate } from "./certificate.ts";
import { createExchange, type ExchangeParts } from "./handler.ts";
import { type Listener, listen, type Transport, type WantedPort } from "./listener.ts";
import type { Once } from "./once.ts";
import type { Play } from "./simulator.ts";
import type { WebhookWriter } from "./webhook-write.ts";

/** What a simulated provider is made from. */
export interface SimulatorParts {
  /** A file of the sandbox's directory: made at the first start and found again, so that a restart keeps what is configured. */
  file(name: string, make: () => string): { path: string; text: string };
  certificate: ServerCertificate;
  once: Once;
  /** ms since the epoch. */
  now: () => number;
  /** Its own base URL, once it listens. */
  origin(): string;
}

/** A simulated provider before it listens. */
export interface Simulator {
  listen(wanted: WantedPort, parts: Omit<ExchangeParts, "play">): Promise<Listener>;
  /** Everything a dispatcher and the feedback role must be told to use it. @param callbacks base URL of whoever receives webhooks */
  env(origin: string, callbacks: string): Record<string, string>;
  /** How it reports what became of a message. */
  webhooks?: WebhookWriter;
}

/** One provider the sandbox simulates. Each `sandbox/<name>/index.ts` exports one. */
export interface SimulatorDefinition<S extends Simulator = Simulator> {
  /** `<CHANNEL>_PROVIDERS` lists it. Absent: the channel has no such variable, or it is listed by whoever wants it. */
  choiceOf?: "sms" | "email";
  /** Requests other than sends for which faults can be ordered. */
  asideTargets?: readonly string[];
  hasWebhooks?: boolean;
  open(parts: SimulatorParts): S;
}

/** Listens for HTTP and answers as `play` says. */
export const overHttp =
  (transport: Transport, play: Play): Simulator["listen"] =>
  (wanted, parts) =>
    listen(transport, wanted, createExchange({ ...parts, play }));
