/** What the console's API answers about apps and their keys. Moments are ms since the epoch. */

export interface KeyRow {
  /** What a key begins with: ck_ID_; the rest nobody knows but its holder. */
  prefix: string;
  id: string;
  state: "valid" | "expired" | "revoked";
  createdAt?: number | undefined;
  expiresAt?: number | undefined;
  revokedAt?: number | undefined;
}

export interface WebhookRow {
  name: string;
  /** For viewers its host alone. */
  url: string;
  state: "active" | "failing" | "disabled";
  /** Why it is disabled; empty: it is not. */
  why: string;
  since?: number | undefined;
  /** Secrets that sign now. */
  secrets: number;
}

export interface AppView {
  id: string;
  channels: string[];
  /** Its own; the installation's defaults apply besides. */
  limits: { name: string; value: string }[];
  /** Which account serves it, by provider or channel; the default ones serve the rest. */
  accounts: { of: string; account: string }[];
  /** The latest first. */
  keys: KeyRow[];
  webhooks: WebhookRow[];
  /** Open notifications, counted up to OPEN_OF_APP_MAX. */
  open: number;
  isOpenCut: boolean;
  /** How it is paused; absent: it is not. */
  pausedBy?: { actor: string; reason: string; at: number; until?: number | undefined } | undefined;
}

export interface Apps {
  apps: AppView[];
  /** There are more. */
  isCut: boolean;
  now: number;
}

export interface KeyCreateOrder {
  app: string;
  /** Days until it expires; 0: it does not. */
  days: number;
  reason: string;
}

export interface KeyRotateOrder {
  app: string;
  /** Of one key; empty: of all valid ones. */
  keyId: string;
  /** For how long the earlier ones stay valid, in hours. */
  overlapHours: number;
  days: number;
  reason: string;
}

export interface KeyRevokeOrder {
  app: string;
  keyId: string;
  reason: string;
}

/** Shown once: only its hash is stored. */
export interface NewKey {
  key: string;
  keyId: string;
  expiresAt?: number | undefined;
}
