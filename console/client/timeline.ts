import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { classes, html } from "../../web/client/html.ts";
import { instant } from "../../web/client/time.ts";
import type { NotificationEvent, NotificationView } from "../view.ts";
import { CHANNEL_NAMES, moment } from "./words.ts";

/** Events shown before "Show all": a long history must not slow the page. */
const SHOWN = 60;

export function TimelinePanel({
  view: { events, earlierAttempts },
}: {
  view: Pick<NotificationView, "events" | "earlierAttempts">;
}): VNode {
  const [only, setOnly] = useState("all");
  const [isWhole, setWhole] = useState(false);
  const channels = [...new Set(events.map(({ channel }) => channel).filter(Boolean))];
  const ofChannel = (c: string) => events.filter(({ channel }) => channel === c);
  const ofAttempts = events.filter(({ attempt }) => attempt !== "");
  const attempts = new Set(ofAttempts.map(({ attempt }) => attempt)).size;
  const kinds: (readonly [id: string, name: string, of: readonly NotificationEvent[], count: number])[] = [
    ["all", "All events", events, events.length],
    ...(channels.length > 1
      ? channels.map((c) => [c, `Events of ${CHANNEL_NAMES[c] ?? c}`, ofChannel(c), ofChannel(c).length] as const)
      : []),
    ["attempts", "Attempts", ofAttempts, attempts],
  ];
  const chosen = kinds.find(([id]) => id === only)?.[2] ?? events;
  const shown = isWhole ? chosen : chosen.slice(0, SHOWN);
  const now = events.at(-1)?.at;
  return html`<section class="panel" aria-labelledby="events">
    <header><h2 id="events">Timeline</h2><span class="faint">UTC, latest first</span>
      <div class="chips" role="group" aria-label="Show">${kinds.map(
        ([id, name, , count]) =>
          html`<button type="button" class=${classes("chip", id === only && "on")} key=${id} aria-pressed=${String(id === only)} onClick=${() => setOnly(id)}>${name} <span class="n">${count}</span></button>`,
      )}</div>
    </header>
    <ol class="timeline">${shown.map(
      ({ at, title, detail, mark }, i) =>
        html`<li class=${mark || undefined} key=${`${at} ${i}`}><time datetime=${instant(at)}>${moment(at, now)}</time><div class="t"><b>${title}</b></div>${detail !== "" && html`<p>${detail}</p>`}</li>`,
    )}</ol>
    ${chosen.length > shown.length && html`<footer><button type="button" onClick=${() => setWhole(true)}>Show all ${chosen.length} events</button></footer>`}
    ${earlierAttempts > 0 && html`<footer><span>${earlierAttempts} earlier ${earlierAttempts === 1 ? "attempt is" : "attempts are"} not shown: carillon why tells of all</span></footer>`}
  </section>`;
}
