/** What the API answers about a person; its page reads the same. Moments are ms since the epoch. */
import type { Mark, State } from "./view.ts";

/** Which person. A user's id may be an address: it is posted, and stands in no URL. */
export interface PersonQuestion {
  /** Empty: the first app. */
  app: string;
  /** Empty: nobody yet. */
  user: string;
}

/** What is sent now, and why. */
export interface Cell {
  state: State;
  why: string;
}

export interface MatrixRow {
  /** "*": every category that the app did not describe. */
  category: string;
  /** "on unless opted out" */
  rule: string;
  /** In the order of `channels`. */
  cells: Cell[];
}

/** A change of preferences. */
export interface HistoryEntry {
  at: number;
  version: number;
  /** Masked; empty: the person's own choice. */
  endpoint: string;
  changes: string[];
  mark: Mark;
  /** Empty: the app, or not shown to this role. */
  actor: string;
  source: string;
  evidence: string;
}

export interface PersonEndpoint {
  /** A keyed hash, for orders of this page alone. */
  id: string;
  channel: string;
  channelName: string;
  /** Masked until it is revealed. */
  endpoint: string;
  label: string;
  state: State;
  /** Kinds of blocks that hold. */
  blocks: string[];
  registeredAt: number;
  /** Among the recent notifications; absent: none was sent. */
  lastSentAt?: number | undefined;
}

export interface PersonNotification {
  id: string;
  acceptedAt: number;
  category: string;
  notificationClass: string;
  states: { state: State; count: number }[];
  /** Of what was not sent; empty: all was. */
  why: string;
}

export interface PersonView {
  /** Masked for viewers. */
  user: string;
  /** As logs and the log of actions name this person. */
  reference: string;
  /** As they did by earlier keys. */
  earlierReferences: string[];
  /** The reference is the same after a restart of the console, and in its other replicas. */
  isReferenceLasting: boolean;
  /** Nothing is stored about a user of this id. */
  isUnknown: boolean;
  profile: {
    locale: string;
    timeZone: string;
    /** "23:32"; empty: the zone is not known. */
    localTime: string;
    /** "22:00–07:00" */
    quietHours: string;
    tenant: string;
  };
  /** A sentence; empty: nothing is open. */
  problem: string;
  details: string[];
  endpoints: PersonEndpoint[];
  /** There are more than these. */
  isEndpointsCut: boolean;
  channels: { channel: string; name: string }[];
  matrix: MatrixRow[];
  /** Categories that an opt-out may name. */
  categories: string[];
  /** Of the person's own choices; 0: there are none. */
  version: number;
  /** What operators may undo. */
  optOuts: { channel: string; category: string; words: string }[];
  /** The latest first. */
  history: HistoryEntry[];
  /** There are older changes than these. */
  isHistoryCut: boolean;
  recent: PersonNotification[];
  now: number;
}

export interface PersonAnswer {
  app: string;
  apps: string[];
  /** There are more apps than these. */
  areAppsCut: boolean;
  person?: PersonView | undefined;
}

export interface RevealOrder extends PersonQuestion {
  reason: string;
}

/** What a reveal shows of one person, unmasked, for as long as the page is open. */
export interface Revealed {
  user: string;
  /** By the endpoint's id. */
  endpoints: Record<string, string>;
  history: HistoryEntry[];
}

export interface OptOutOrder extends PersonQuestion {
  /** "*": every channel. */
  channel: string;
  /** "*": every category. */
  category: string;
  how: "phone" | "letter" | "mail";
  evidence: string;
}

export interface LiftOrder extends PersonQuestion {
  endpoint: string;
  kind: string;
  evidence: string;
}
