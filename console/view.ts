/** What the console's API answers; its pages read the same. Moments are ms since the epoch. */
import type { Role } from "./session.ts";

/** Done, failed, in doubt, merely happened; the same as of an event in operations/why. */
export type Mark = "ok" | "bad" | "doubt" | "";

export interface Me {
  name: string;
  role: Role;
}

/** One word, one mark. */
export interface State {
  word: string;
  mark: Mark | "wait" | "warn";
}

export interface Why {
  words: string;
  /** As in the API: "misconfigured: region-not-enabled". Empty: there is no reason. */
  tag: string;
}

/** The filter of a search, by the names of the command line's options. An empty text filters by nothing. */
export interface Filter {
  user?: string;
  /** sms:+49…, email:…, apns:TOKEN, fcm:TOKEN */
  endpoint?: string;
  state?: string;
  channel?: string;
  category?: string;
  class?: string;
  reason?: string;
  tag?: string;
  waiting?: string;
  "provider-ref"?: string;
  /** ms since the epoch, as digits. */
  since?: string;
}

export interface FindQuestion {
  /** Empty: the first app. */
  app: string;
  filter: Filter;
  /** `next` of the page before; empty: the latest. */
  after: string;
}

/** A delivery in a list. */
export interface Row {
  notificationId: string;
  deliveryId: string;
  acceptedAt: number;
  /** Empty: it was sent to an endpoint. Masked for viewers. */
  user: string;
  /** Masked; empty: the recipient has none. */
  endpoint: string;
  channel: string;
  category: string;
  notificationClass: string;
  state: State;
  why: Why;
  /** Calls to providers, counted up to a bound: then "200+". */
  attempts: string;
  /** When it is looked at next; absent: it has ended. */
  nextAt?: number | undefined;
}

export interface OpenCounts {
  waiting: number;
  retrying: number;
  inDoubt: number;
  /** Only so many notifications were read: the counts are lower bounds. */
  isCut: boolean;
}

export interface Found {
  app: string;
  apps: string[];
  /** There are more apps than these: a key is looked for in these alone. */
  areAppsCut: boolean;
  rows: Row[];
  /** Empty: there are no older ones. */
  next: string;
  /** All notifications that the search may read in one call were read, and fewer than a page match. */
  isShort: boolean;
  /** Deliveries of this app that have not ended, whatever the filter is. */
  open: OpenCounts;
  now: number;
}

/** What a text in the search box stands for. */
export type Resolved = { kind: "notification"; id: string } | { kind: "filter"; filter: Filter };

export interface DeliveryRow {
  id: string;
  channel: string;
  channelName: string;
  endpoint: string;
  state: State;
  why: Why;
  next: string;
  attempts: number;
  /** What a cancelling would answer now; the moment of the click decides. */
  ifCancelled: string;
  isCancellable: boolean;
  isFailed: boolean;
}

export interface NotificationEvent {
  at: number;
  /** "": of the notification as a whole. */
  channel: string;
  title: string;
  detail: string;
  mark: Mark | "next";
  /** Of an event of an attempt: which attempt. Empty: it is of none, or of a number that was used up without a call. */
  attempt: string;
}

/** Texts as they are kept; a device or a mail program adds its own. */
export type ShownContent =
  | { channel: string; kind: "push"; title: string; subtitle: string; body: string; isShown: boolean }
  | { channel: string; kind: "sms"; text: string; size: string }
  | { channel: string; kind: "email"; subject: string; hasHtml: boolean; text: string };

export interface NotificationView {
  id: string;
  key: string;
  app: string;
  user: string;
  notificationClass: string;
  category: string;
  acceptedAt: number;
  sendAt: number;
  expiresAt: number;
  tags: string[];
  /** How many deliveries are in each state, in a fixed order. */
  states: { state: State; count: number }[];
  /** A sentence for each state. */
  lead: string;
  deliveries: DeliveryRow[];
  /** The latest first; what is due stands on top. */
  events: NotificationEvent[];
  /** Attempts before these, whose events are not shown. */
  earlierAttempts: number;
  content: ShownContent[];
  /** Why there is none; empty: there is. */
  contentGone: string;
  now: number;
}

export interface CancelOrder {
  notification: string;
  reason: string;
}

/** What became of each delivery. */
export interface Cancelled {
  deliveries: { channelName: string; endpoint: string; words: string; isDone: boolean }[];
}

export interface RedriveOrder {
  notification: string;
  reason: string;
  /** Also what may have been sent: it may then arrive twice. */
  uncertain: boolean;
  /** Changes nothing, and needs no reason. */
  dryRun: boolean;
}

export interface Redriven {
  redriven: number;
  /** "1 may have been sent" */
  leftOut: string[];
  /** Of a plan: more failed than were read, so that the counts are lower bounds. */
  isCut?: boolean;
}

export interface DeadGroup {
  channel: string;
  /** As in the API; "none": it was stored without one. */
  reason: string;
  words: string;
  count: number;
  /** Whether and when a redrive would help. */
  advice: string;
  /** A redrive of the group is offered. */
  isRedrivable: boolean;
}

export interface DeadLetters {
  total: number;
  groups: DeadGroup[];
  /** Only those that failed since this moment were read: the earliest is here. */
  from: number;
  /** More failed than one reading counts: the counts are lower bounds. */
  isCut: boolean;
  now: number;
}

export interface RedriveGroupOrder {
  channel: string;
  reason: string;
  /** The operator's words. */
  why: string;
  /** Only what failed before, in ms since the epoch; absent: now. Going on with a redrive leaves out what failed again since. */
  until?: number | undefined;
  /** Also what may have been sent. */
  uncertain: boolean;
  dryRun: boolean;
}

/** A redrive of a group, as the log of actions has it. */
export interface GroupRedrive {
  id: string;
  at: number;
  actor: string;
  /** The operator's words. */
  why: string;
  channel: string;
  reason: string;
  /**
   * unfinished: it was stopped, or failed. left: it has no result, and does not run in this process of the console; it runs in another one, or ended
   * with it.
   */
  state: "running" | "ended" | "unfinished" | "left";
  /** What came of it, or has so far. */
  words: string;
  /** While it runs in this process. */
  progress?: RedriveProgress | undefined;
  /** The result could not be stored in the log of actions: this process alone knows it. */
  isUnlogged: boolean;
}

export interface RedriveProgress {
  redriven: number;
  /** Looked at, and left as they were. */
  leftOut: number;
  /** 0: not counted yet. */
  total: number;
  /** More were there than are counted. */
  isTotalCut: boolean;
  /** It ends after the step that it is in. */
  isStopping: boolean;
}

export interface GroupRedrives {
  /** The latest first: the last ten, and earlier ones without a result. */
  redrives: GroupRedrive[];
  /** There were others before. */
  isCut: boolean;
  /** Most deliveries of one redrive that become due in a second. */
  perSecond: number;
  now: number;
}

export interface StopOrder {
  /** Of a GroupRedrive. */
  id: string;
}
