import type { VNode } from "preact";
import { html } from "../../web/client/html.ts";
import { instant } from "../../web/client/time.ts";
import type { State, Why } from "../view.ts";

export { CHANNEL_NAMES } from "./channel-names.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

/** "41 min": how long something has lasted. */
export function lasted(ms: number): string {
  if (ms < 2 * MINUTE) return `${Math.max(0, Math.round(ms / SECOND))} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  return ms < 2 * DAY ? `${Math.round(ms / HOUR)} h` : `${Math.round(ms / DAY)} d`;
}

/** "in 29 s"; "now" where its time has come. */
export const inTime = (at: number, now: number): string => (at - now < SECOND ? "now" : `in ${lasted(at - now)}`);

/** 30 Nov 14:29:31.040; of the same day without the date. @param digits of milliseconds */
export function moment(at: number, now?: number): string {
  const text = instant(at);
  const time = text.slice(11, 23);
  if (now !== undefined && instant(now).slice(0, 10) === text.slice(0, 10)) return time;
  const day = new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  return `${day} ${time}`;
}

export const Mark = ({ state, count }: { state: State; count?: number }): VNode =>
  html`<span class=${`state ${state.mark}`}>${count === undefined ? state.word : `${count} ${state.word.toLowerCase()}`}</span>`;

/** Links to some of the notifications that were counted. */
export const NotificationLinks = ({ ids }: { ids: readonly string[] }): VNode =>
  html`<span>${ids.length === 1 ? "For example" : "Examples:"}${ids.map((id) => html` <a key=${id} class="mono" href=${`/notifications/${id}`}>${id.slice(0, 8)}…</a>`)}</span>`;

export const WhyText = ({ why }: { why: Why }): VNode =>
  html`<span>${why.words}${why.tag !== "" && html` <span class="tag">${why.tag}</span>`}</span>`;
