import { clock } from "../../web/client/time.ts";
import type { Filter, OpenCounts } from "../view.ts";
import { CHANNEL_NAMES } from "./words.ts";

/** "" stands for all. */
export const STATES: readonly (readonly [state: string, name: string])[] = [
  ["", "All"],
  ["pending", "Waiting"],
  ["uncertain", "In doubt"],
  ["sent", "Sent"],
  ["delivered", "Delivered"],
  ["suppressed", "Suppressed"],
  ["expired", "Expired"],
  ["cancelled", "Cancelled"],
  ["failed", "Failed"],
];

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const today = (now: number) => String(now - (now % DAY_MS));
/** Whole minutes, so that a view stays the same for as long. */
const anHourAgo = (now: number) => String(now - (now % 60_000) - HOUR_MS);

interface View {
  name: string;
  filter(now: number): Filter;
  /** Where a bounded read counts it. */
  count?(open: OpenCounts): number;
}

export const VIEWS: readonly View[] = [
  { name: "Failed, accepted in the last hour", filter: (now) => ({ state: "failed", since: anHourAgo(now) }) },
  { name: "Retrying now", filter: () => ({ waiting: "retry" }), count: ({ retrying }) => retrying },
  { name: "In doubt", filter: () => ({ state: "uncertain" }), count: ({ inDoubt }) => inDoubt },
  { name: "Suppressed, accepted today", filter: (now) => ({ state: "suppressed", since: today(now) }) },
  { name: "All that waits", filter: () => ({ state: "pending" }), count: ({ waiting }) => waiting },
];

const NAMES: Readonly<Record<keyof Filter, string>> = {
  ...{ user: "User", endpoint: "Endpoint", state: "State", channel: "Channel", category: "Category", class: "Class", reason: "Reason" },
  ...{ tag: "Tag", waiting: "Waits for", "provider-ref": "Provider's id", since: "Accepted since" },
};

/** Whether a text of a link is a time in ms since the epoch. */
const isMoment = (value: string) => /^\d{1,15}$/.test(value);

const VALUES: Readonly<Partial<Record<keyof Filter, (value: string) => string>>> = {
  channel: (value) => CHANNEL_NAMES[value] ?? value,
  state: (value) =>
    value
      .split(",")
      .map((state) => STATES.find(([known]) => known === state)?.[1] ?? state)
      .join(" or "),
  waiting: (value) => (value === "retry" ? "its next attempt" : value),
  // What is no moment is shown as it is: the answer says what is wrong with it.
  since: (value) =>
    isMoment(value) ? `${new Date(Number(value)).toISOString().slice(0, 10)} ${clock(Number(value)).slice(0, 5)} UTC` : value,
};

export const chipsOf = (filter: Filter): { key: keyof Filter; name: string; value: string }[] =>
  (Object.keys(filter) as (keyof Filter)[]).flatMap((key) => {
    const value = filter[key];
    return value === undefined ? [] : [{ key, name: Object.hasOwn(NAMES, key) ? NAMES[key] : key, value: VALUES[key]?.(value) ?? value }];
  });
