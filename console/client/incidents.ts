import { Fragment, type VNode } from "preact";
import { classes, html } from "../../web/client/html.ts";
import { instant } from "../../web/client/time.ts";
import type { Incident, Now } from "../view-now.ts";
import { moment, NotificationLinks } from "./words.ts";

const toSeconds = (at: number, now: number) => moment(at, now).slice(0, -".000".length);

interface IncidentsProps {
  data: Pick<Now, "incidents" | "moreIncidents" | "now">;
  /** Absent: this person may not. */
  drain?: ((account: string) => void) | undefined;
  resume?: ((target: string) => void) | undefined;
}

/** What is wrong, is held back, or was wrong: the worst first and in full, the others below it. */
export function Incidents({ data: { incidents, moreIncidents, now }, ...acts }: IncidentsProps): VNode {
  if (incidents.length === 0) return html`<${Fragment} />`;
  return html`<section class="incidents" aria-label="What to know first">
    ${incidents.map((incident, i) => html`<${One} key=${incident.title} incident=${incident} isFirst=${i === 0} now=${now} ...${acts} />`)}
    ${moreIncidents > 0 && html`<p class="faint">and ${moreIncidents} more, which the panels below show</p>`}
  </section>`;
}

interface OneProps extends Omit<IncidentsProps, "data"> {
  incident: Incident;
  isFirst: boolean;
  now: number;
}

function One({ incident, isFirst, now, drain, resume }: OneProps): VNode {
  const { kind, title, text, advice, link, examples, by } = incident;
  const heading = isFirst ? "h2" : "h3";
  return html`<article class=${classes("banner", kind, !isFirst && "further")}>
    <${heading}>${title}<//>
    ${by && html`<p>By <b>${by.actor}</b> since <time datetime=${instant(by.at)}>${toSeconds(by.at, now)}</time> UTC, ${by.until === undefined ? "until it is resumed" : html`until <time datetime=${instant(by.until)}>${toSeconds(by.until, now)}</time> UTC`}: “${by.reason}”</p>`}
    <p>${text}.${examples.length > 0 && html` <${NotificationLinks} ids=${examples} />`}</p>
    ${advice !== "" && html`<p>What to do: ${advice}</p>`}
    <div class="actions"><a class=${classes("button", isFirst && kind !== "held" && "primary")} href=${link}>Show ${link.startsWith("/find#") ? "what waits" : kind === "past" ? "one that broke it" : "one that breaks it"}</a>
      ${drain && incident.drain !== "" && html`<button type="button" onClick=${() => drain(incident.drain)}>Drain ${incident.drain}…</button>`}
      ${resume && incident.resume !== "" && html`<button type="button" onClick=${() => resume(incident.resume)}>Resume ${incident.resume.replace(/^account:/, "")}…</button>`}</div>
  </article>`;
}
