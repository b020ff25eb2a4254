/** What the console's API answers about the system as it is now. Moments are ms since the epoch. */

export interface ChannelNow {
  channel: string;
  /** Of what was accepted lately (`Checked`): all deliveries of the channel, and by state. Absent: not counted yet. */
  recent?: { accepted: number; states: Partial<Record<string, number>> } | undefined;
  waiting: number;
  /** Of these, an attempt of theirs did not succeed, and another one follows. */
  retrying: number;
  /** Of these, an operator has to correct what the provider rejects; they are tried again, too. */
  misconfigured: number;
  inDoubt: number;
  /** When the first of what waits was to be sent; absent: nothing waits whose time has come. */
  oldestAt?: number | undefined;
  /** The most frequent first. */
  why: {
    count: number;
    words: string;
    /** Its code; empty: no attempt has failed. */
    reason: string;
    /** Of the reason, the most frequent first; a delivery may have none. */
    details: { text: string; count: number }[];
    isInDoubt: boolean /** As of the channel. */;
    oldestAt?: number | undefined;
  }[];
}

export interface Steered {
  /** channel:sms */
  target: string;
  state: "paused" | "drained" | "resumed";
  to: string;
  actor: string;
  reason: string;
  at: number;
  until?: number | undefined;
}

/** What the promises were checked against. */
export interface Checked {
  /** Everything accepted between these was read. */
  from: number;
  at: number;
  notifications: number;
  /** How many apps that is of, the first by id; with `areAppsCut` there are more, of which nothing is claimed. */
  apps: number;
  areAppsCut: boolean;
}

export interface PromiseNow {
  title: string;
  /** unchecked: nothing is claimed. */
  state: "held" | "broken" | "unchecked";
  /** It is broken, and what breaks it is still so: it is not over. */
  isBrokenNow: boolean;
  /** With the figures that prove it. */
  words: string;
  /** Ids of notifications that break it. */
  examples: readonly string[];
}

/** Something that is not as it should be, or that somebody holds back. */
export interface Incident {
  /** fault: it is wrong now. held: somebody has ordered it. past: it was wrong, and is over. */
  kind: "fault" | "held" | "past";
  title: string;
  /** One sentence or more, without the last full stop. */
  text: string;
  /** What to do; empty: nothing is known. */
  advice: string;
  /** To what shows it. */
  link: string;
  /** Ids of notifications that show it. */
  examples: readonly string[];
  /** Of what is held: who ordered it. */
  by?: Pick<Steered, "actor" | "reason" | "at" | "until"> | undefined;
  /** provider/account: one that another provider of its channel could stand in for. Empty: none. */
  drain: string;
  /** What can be resumed, as app:shop. Empty: nothing. */
  resume: string;
}

/** A circuit that is not closed. */
export interface CircuitNow {
  channel: string;
  /** provider/account */
  account: string;
  /** What of the account: "account", "country +82", "origin push.example.net". */
  part: string;
  state: "open" | "half-open";
  since: number;
  /** When it is probed next; it has passed: with the next delivery. */
  until: number;
  /** Of its reason. */
  code: string;
  words: string;
  tag: string;
  /** What to do. */
  advice: string;
}

export interface Now {
  /** The worst first, what is over last; at most INCIDENTS_MAX. */
  incidents: Incident[];
  /** How many others there are. */
  moreIncidents: number;
  /** In a fixed order. */
  promises: PromiseNow[];
  /** Absent: not checked yet. */
  checked?: Checked | undefined;
  /** Why the last check of the promises, or the count of what failed, did not end. Empty: it did. */
  checkFault: string;
  /** What is degraded comes first. */
  channels: ChannelNow[];
  /** Whether NATS can be reached from the console; absent: not known yet. */
  isNatsConnected?: boolean | undefined;
  /** Absent: they cannot be read. */
  circuits?: { notClosed: CircuitNow[]; closed: number } | undefined;
  /** Due in the outbox, by class; how long the oldest has waited, in ms. */
  outbox: { notificationClass: string; count: number; oldestMs: number }[];
  /** Notifications with a delivery that failed in the last 24 h; absent: not counted yet. */
  failed?: number | undefined;
  /** It is a lower bound. */
  isFailedCut: boolean;
  /** The apps with the most open notifications, counted up to OPEN_OF_APP_MAX; absent: not counted yet. */
  busiest?: { app: string; open: number; isCut: boolean }[] | undefined;
  /** How many apps have something open. */
  busy: number;
  /** There are more apps than were counted: the others may have more open. */
  isBusyCut: boolean;
  steering: Steered[];
  /** What can be paused besides channels and classes: app:shop, account:NAME/default. */
  targets: string[];
  /** There are more apps or accounts than these. */
  areTargetsCut: boolean;
  /** The latest first. */
  actions: { at: number; actor: string; action: string; target: string; reason: string; result: string }[];
  now: number;
}

export interface SteerOrder {
  /** channel:sms */
  target: string;
  reason: string;
  /** Of a pause: after how many it ends by itself; 0: it does not. */
  minutes?: number;
  /** Of a pause: also where the target is paused or drained already. */
  replace?: boolean;
}

export interface DrainOrder {
  /** provider/account, or provider for all of its accounts. */
  from: string;
  /** Another provider of the channel. */
  to: string;
  reason: string;
  /** Also where deliveries would wait at the other provider. Absent: false, as of the next two. */
  acceptWaiting?: boolean;
  /** Also where apps would change to an account of another name. */
  changeAccounts?: boolean;
  /** Also where it is drained or paused already. */
  replace?: boolean;
  /** Afterwards what waits on the channel is made due. */
  reevaluate: boolean;
}

export interface ReevaluateOrder {
  /** At least one of these is given. */
  reasonCode: string;
  channel: string;
  app: string;
  reason: string;
}

/** What an order would bring with it: it is done once its flag is set. */
export interface ToAccept {
  flag: "acceptWaiting" | "changeAccounts" | "replace";
  words: string;
  /** Of the checkbox. */
  label: string;
  items: string[];
}

/** What an order did, in words. */
export interface Said {
  said: string;
  /** Nothing was done: each of these has to be accepted first. */
  toAccept?: ToAccept[];
}
