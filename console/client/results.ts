import type { VNode } from "preact";
import { html } from "../../web/client/html.ts";
import { instant } from "../../web/client/time.ts";
import type { Found, Row } from "../view.ts";
import { personLink } from "./person-link.ts";
import { CHANNEL_NAMES, inTime, Mark, moment, WhyText } from "./words.ts";

const COLUMNS: readonly (readonly [name: string, style?: string])[] = [
  ["Accepted (UTC)"],
  ["Recipient"],
  ["Channel"],
  ["Category"],
  ["State"],
  ["Why"],
  ["Attempts", "num"],
  ["Next"],
  ["Notification"],
];

interface ResultsProps {
  data: Found;
  isFiltered: boolean;
  /** Users are named, and lead to their page. */
  maySeeUsers: boolean;
  clear(): void;
}

export function Results({ data, isFiltered, maySeeUsers, clear }: ResultsProps): VNode {
  if (data.rows.length === 0 && data.isShort)
    return html`<div class="empty"><h3>Nothing among the latest 1,000</h3><p>A search reads that many at once. “Older” goes on behind them.</p></div>`;
  if (data.rows.length === 0)
    return html`<div class="empty"><h3>Nothing matches</h3><p>${
      isFiltered ? "No delivery of this app has all that is asked for." : "Nothing was accepted for this app yet."
    }</p>${isFiltered && html`<button type="button" onClick=${clear}>Remove the filters</button>`}</div>`;
  return html`<table role="table" class="stack find">
    <thead role="rowgroup"><tr role="row">${COLUMNS.map(([name, style]) => html`<th role="columnheader" scope="col" key=${name} class=${style}>${name}</th>`)}</tr></thead>
    <tbody role="rowgroup">${data.rows.map((row) => html`<${ResultRow} key=${row.deliveryId} row=${row} now=${data.now} app=${maySeeUsers ? data.app : ""} />`)}</tbody>
  </table>`;
}

/** @param app of the link to the user; empty: there is none */
function ResultRow({ row, now, app }: { row: Row; now: number; app: string }): VNode {
  const { acceptedAt, user, endpoint, category, notificationClass, state, why, attempts, nextAt, notificationId, channel } = row;
  return html`<tr role="row" class="link">
    <td role="cell" class="mono nowrap" data-label="Accepted (UTC)"><time datetime=${instant(acceptedAt)}>${moment(acceptedAt, now)}</time></td>
    <td role="cell">${app === "" || user === "" ? user : html`<a href=${personLink({ app, user })}>${user}</a>`} <span class="mono dim">${endpoint}</span></td>
    <td role="cell" class="nowrap" data-label="Channel">${CHANNEL_NAMES[channel]}</td>
    <td role="cell" data-label="Category">${category} <span class="faint">${notificationClass}</span></td>
    <td role="cell"><${Mark} state=${state} /></td>
    <td role="cell" class="full"><${WhyText} why=${why} /></td>
    <td role="cell" class="num" data-label="Attempts">${attempts}</td>
    <td role="cell" class="nowrap" data-label="Next">${nextAt === undefined ? "–" : inTime(nextAt, now)}</td>
    <td role="cell" class="full"><a class="mono" href=${`/notifications/${notificationId}`}>${notificationId.slice(0, 8)}…</a></td>
  </tr>`;
}
