import type { ServerCertificate } from "./certificate.ts";
import { createHandler, type HandlerParts } from "./handler.ts";
import { type Listener, listen, type Transport, type WantedPort } from "./listener.ts";
import type { Once } from "./once.ts";
import type { HttpSimulator } from "./simulator.ts";
import type { Suppressions } from "./suppressions.ts";
import type { WebhookWriter } from "./webhook-write.ts";

/** What a simulated provider is made from. */
export interface SimulatorParts {
  /** A file in the sandbox's directory, created at the first start: configuration that refers to it stays valid after a restart. */
  file(name: string, make: () => string): { path: string; text: string };
  certificate: ServerCertificate;
  once: Once;
  /** ms since the epoch. */
  now: () => number;
  /** Its own base URL; known once it listens. */
  origin(): string;
}

/** Ports beside one for each provider. A Kubernetes port's name has at most 15 characters. */
export const OTHER_LISTENERS = ["apns-dev"] as const;
export type OtherListener = (typeof OTHER_LISTENERS)[number];

export interface AccountParts {
  /** Empty: the first account, which is there from the start. A provider that knows one account has no variables for another. */
  name: string;
  /** Origins of the further ports. */
  others: Readonly<Record<OtherListener, string>>;
}

/** A provider's accounts: the first, and those that were asked for by name since. */
export function accountsOf<Account>(make: (name: string) => Account) {
  const made = new Map([["", make("")]]);
  return {
    all: () => [...made.values()],
    named: (name: string): Account => made.get(name) ?? made.set(name, make(name)).get(name)!,
  };
}

/** A simulated provider before it listens. */
export interface Simulator {
  listen(wanted: WantedPort, parts: Omit<HandlerParts, "simulator">): Promise<Listener>;
  /** What it serves on further ports of its own. */
  others?: Partial<Record<OtherListener, Simulator["listen"]>>;
  /** The environment with which a dispatcher and the feedback role use an account of it. @param callbacks base URL of the receiver of webhooks */
  env(origin: string, callbacks: string, of: AccountParts): Record<string, string>;
  /** How it writes its webhooks; absent: it sends none. */
  webhooks?: WebhookWriter;
  /** What it keeps of addresses; absent: nothing that it shows. */
  suppressions?: Suppressions;
}

/** One provider the sandbox simulates. Each `sandbox/<name>/index.ts` exports one. */
export interface SimulatorDefinition<S extends Simulator = Simulator> {
  /** `<CHANNEL>_PROVIDERS` lists it. Absent: the channel has no such variable, or the provider must be listed explicitly. */
  choiceOf?: "sms" | "email";
  /** Requests other than sends for which faults can be ordered. */
  sideRequestTargets?: readonly string[];
  hasWebhooks?: boolean;
  open(parts: SimulatorParts): S;
}

/** Serves a simulator over HTTP. */
export const overHttp =
  (transport: Transport, simulator: HttpSimulator): Simulator["listen"] =>
  (wanted, parts) =>
    listen(transport, wanted, createHandler({ ...parts, simulator }));
