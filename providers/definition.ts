import type { Channel } from "../core/delivery/channel.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Provider } from "../core/ports/provider.ts";
import type { Values, Variables } from "../runtime/config.ts";
import type { BounceReader } from "./transport/bounce.ts";
import type { SuppressionList } from "./transport/suppression-list.ts";
import type { WebhookReader } from "./transport/webhook.ts";

/** What a provider is given besides its account. */
export interface ProviderParts {
  clock: Clock;
  /**
   * Whether the provider's reference belongs to this attempt and to no other, decided by the store for all processes: see AttemptStore.
   * Only for status queries; rejects while the store is unavailable.
   */
  attribute(providerRef: string, attemptId: string): Promise<boolean>;
}

/** An account's credentials, sender and limits: the values of the provider's variables. */
export type AccountValues = Readonly<Record<string, unknown>>;

export type CreateProvider = (account: AccountValues, parts: ProviderParts) => Provider;

/** How a provider reports on a message after the send. */
export interface WebhookDefinition {
  reader: WebhookReader;
  variables: Variables;
  /** Which of these variables holds what the signatures are verified with. Empty: the route is not served. */
  secret: string;
  /** Whether the signature covers the public URL, so that FEEDBACK_URL must be set. */
  coversUrl: boolean;
  /** Which of the provider's own variables holds the webhook's URL, where the provider is given it with each send. */
  urlVariable?: string | undefined;
}

/** How a provider reports by mail on a mail after the send. */
export interface BouncesDefinition {
  reader: BounceReader;
  /** Variables of the provider's own that feedback reads, too. */
  variables: Variables;
  /** Which of them holds the domain of the return paths. Empty: no bounces are taken. */
  domain: string;
  /** Why an account's bounces cannot be taken as configured. */
  fault(account: AccountValues): string | undefined;
}

/** Everything that the rest of the system knows of a provider. Each `providers/<name>/index.ts` exports one. */
export interface ProviderDefinition {
  /** As it stands in attempts, metrics, logs, routes and `<CHANNEL>_PROVIDERS`. Lower case; never changes. */
  name: string;
  /** The product's name, for people. */
  title: string;
  channel: Channel;
  variables: Variables;
  /** Variables that may not be empty once the provider is in use. */
  requires: readonly string[];
  /** Why an account's credentials are not whole, where they can be of several kinds; it names variables, never values. Absent: `requires` says all. */
  credentialsFault?: ((account: AccountValues) => string | undefined) | undefined;
  /** Whether `<CHANNEL>_PROVIDERS` lists it unless configured otherwise. */
  listedByDefault: boolean;
  /** Imports the provider with its SDK, which only the process that uses it pays for. The result throws where the account cannot be used. */
  load(): Promise<CreateProvider>;
  webhook?: WebhookDefinition | undefined;
  bounces?: BouncesDefinition | undefined;
  /** What it can be asked about an attempt in doubt; absent: nothing, and no status-query tasks are published. */
  statusQuery?: StatusQueryDefinition | undefined;
  /** What it keeps of addresses that refused, complained or do not exist; absent: it keeps nothing, or does not show it. */
  suppressions?: SuppressionsDefinition | undefined;
}

export interface SuppressionsDefinition {
  /** Variables that may not be empty to read it. */
  requires: readonly string[];
  load(): Promise<(account: AccountValues, parts: Pick<ProviderParts, "clock">) => SuppressionList>;
}

export interface StatusQueryDefinition {
  /** How long after an attempt became uncertain the provider can first be asked about it, in ms. */
  firstMs: number;
  /** How long after it a finding can first resolve the attempt, in ms; absent: at once. */
  tellsMs?: number;
  /** Whether its answers name nothing of ours, so that it calls `attribute`: the store then indexes the references of its attempts. */
  isAttributed?: boolean;
}

/** Whether a variable that `requires` names has no value. */
export const isUnset = (value: unknown): boolean => value === "" || (Array.isArray(value) && value.length === 0);

interface TypedDefinition<V extends Variables, W extends Variables, B extends Variables> {
  name: string;
  title: string;
  channel: Channel;
  variables: V;
  requires?: readonly (keyof V & string)[];
  credentialsFault?: (account: Values<V>) => string | undefined;
  /** Default true. */
  listedByDefault?: boolean;
  load(): Promise<(account: Values<V>, parts: ProviderParts) => Provider>;
  statusQuery?: StatusQueryDefinition;
  suppressions?: {
    requires: readonly (keyof V & string)[];
    load(): Promise<(account: Values<V>, parts: Pick<ProviderParts, "clock">) => SuppressionList>;
  };
  webhook?: { reader: WebhookReader; variables: W; secret: keyof W & string; coversUrl: boolean; urlVariable?: keyof V & string };
  bounces?: { reader: BounceReader; variables: B; domain: keyof B & keyof V & string; fault(account: Values<B>): string | undefined };
}

/** The values that reach `create` come from reading the same variables: see readConfig. */
export function defineProvider<V extends Variables, W extends Variables = Variables, B extends Variables = Variables>(
  typed: TypedDefinition<V, W, B>,
): ProviderDefinition {
  return {
    ...typed,
    requires: typed.requires ?? [],
    credentialsFault: typed.credentialsFault as ProviderDefinition["credentialsFault"],
    listedByDefault: typed.listedByDefault ?? true,
    bounces: typed.bounces as ProviderDefinition["bounces"],
    suppressions: typed.suppressions as ProviderDefinition["suppressions"],
    load: async () => (await typed.load()) as CreateProvider,
  };
}
