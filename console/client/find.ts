import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { classes, html } from "../../web/client/html.ts";
import { sendJson, useJson } from "../../web/client/load.ts";
import { counted } from "../../web/client/time.ts";
import type { Filter, FindQuestion, Found, Me, Resolved } from "../view.ts";
import { chipsOf, STATES, VIEWS } from "./filters.ts";
import { Frame } from "./frame.ts";
import { Results } from "./results.ts";

/** The filter stands in the fragment, which no server is sent: it may name a person. */
function readHash(): FindQuestion {
  const { app = "", after = "", ...filter } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return { app, after, filter };
}

function writeHash({ app, after, filter }: FindQuestion): void {
  location.hash = new URLSearchParams({ ...(app && { app }), ...filter, ...(after && { after }) } as Record<string, string>).toString();
}

export function FindScreen({ me }: { me: Me }): VNode {
  const [question, setQuestion] = useState(readHash);
  const [revision, setRevision] = useState(0);
  const [mistake, setMistake] = useState("");
  const box = useRef<HTMLInputElement>(null);
  const { data, isSlow, fault, again } = useJson<Found>("/api/find", revision, question);
  useEffect(() => {
    const changed = () => setQuestion(readHash());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  const ask = (filter: Filter, about: Partial<FindQuestion> = {}) => writeHash({ app: question.app, after: "", filter, ...about });

  const submit = async (event: Event) => {
    event.preventDefault();
    const text = box.current?.value.trim() ?? "";
    if (text === "") return;
    try {
      const resolved = await sendJson<Resolved>("POST", "/api/resolve", { text, app: data?.app ?? "" });
      setMistake("");
      if (resolved.kind === "notification") return location.assign(`/notifications/${resolved.id}`);
      if (box.current) box.current.value = "";
      ask({ ...question.filter, ...resolved.filter });
    } catch (error) {
      setMistake((error as Error).message);
    }
  };
  const rows = () => [...document.querySelectorAll<HTMLElement>("table.find tbody td:last-child a")];
  const step = (by: number) => {
    const all = rows();
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
  };
  // What an earlier question found is no answer to one that failed.
  const shown = fault === undefined ? data : undefined;
  const older = () => shown?.next && ask(question.filter, { after: shown.next });
  const keys = { "/": () => box.current?.focus(), j: () => step(1), k: () => step(-1), n: older };
  return html`<${Frame} me=${me} title="Find" here="Find" keys=${keys} keyRows=${KEYS}>
    <div class="head">
      <h1>Find</h1>
      <span class="faint">${data === undefined || data.apps.length > 1 ? "Deliveries of one app" : `Deliveries of the app ${data.app}`}</span>
      <div class="actions"><button type="button" onClick=${() => setRevision((n) => n + 1)}>Read again</button></div>
    </div>
    <form class="stack-v" role="search" onSubmit=${submit}>
      <div class="search">
        <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true"><circle cx="7" cy="7" r="4.5" /><path d="m10.5 10.5 3.5 3.5" /></svg>
        <label class="sr" for="q">Id, idempotency key, user, address, number, tag or provider's id</label>
        <input id="q" type="search" autocomplete="off" spellcheck=${false} maxlength="4096" placeholder="Id, key, user, address, number or tag (order=7731)" ref=${box}
          onKeyDown=${(event: KeyboardEvent) => event.key === "Escape" && box.current?.blur()} />
        <span class="hint keys"><kbd>/</kbd> <kbd>?</kbd></span>
      </div>
      ${mistake !== "" && html`<p role="alert">${mistake}</p>`}
    </form>
    <${Chips} data=${data} question=${question} ask=${ask} />
    <nav class="chips" aria-label="Saved views">
      <span class="faint">Saved views</span>
      ${VIEWS.map(({ name, filter, count }) => {
        const own = filter(data?.now ?? Date.now());
        const isOn = JSON.stringify(own) === JSON.stringify(question.filter);
        const link = `#${new URLSearchParams({ ...(question.app && { app: question.app }), ...own } as Record<string, string>)}`;
        return html`<a class=${classes("chip", isOn && "on")} key=${name} href=${link} aria-current=${isOn ? "page" : undefined}>${name}
          ${data && count ? html` <span class="n">${counted(count(data.open))}${data.open.isCut ? "+" : ""}</span>` : ""}</a>`;
      })}
    </nav>
    <section class="panel" aria-labelledby="results" aria-busy=${isSlow ? "true" : undefined}>
      <header>
        <h2 id="results">${headingOf(shown, question)}</h2>
        <div class="chips" role="group" aria-label="State">
          ${STATES.map(([state, name]) => {
            const isOn = (question.filter.state ?? "") === state;
            const { state: _, ...rest } = question.filter;
            return html`<button type="button" class=${classes("chip", isOn && "on")} key=${name} aria-pressed=${String(isOn)}
              onClick=${() => ask(state === "" ? rest : { ...rest, state })}>${name}</button>`;
          })}
        </div>
        <span class="dim">Latest first</span>
      </header>
      ${fault !== undefined && html`<div class="empty" role="alert"><span class="state bad">The search failed</span><p>${fault}. Sending goes on; this concerns the console alone.</p><div class="actions"><button type="button" onClick=${again}>Try again now</button><a class="button" href="#">Start anew without filters</a></div></div>`}
      ${isSlow && html`<div class="body stack-v"><span class="sr">Loading</span><span class="bone w1"></span><span class="bone w2"></span><span class="bone w3"></span></div>`}
      ${shown !== undefined && html`<${Results} data=${shown} maySeeUsers=${me.role !== "viewer"} clear=${() => ask({})} isFiltered=${Object.keys(question.filter).length > 0} />`}
      ${
        shown !== undefined &&
        html`<footer>
        <span class="keys"><kbd>j</kbd> <kbd>k</kbd> move · <kbd>Enter</kbd> open</span>
        <div class="actions">
          <button type="button" disabled=${question.after === ""} onClick=${() => ask(question.filter)}>Latest</button>
          <button type="button" disabled=${shown.next === ""} onClick=${older}>Older <kbd>n</kbd></button>
        </div>
      </footer>`
      }
    </section>
  <//>`;
}

const KEYS = [
  [["/"], "search"],
  [["j", "k"], "next and previous row"],
  [["Enter"], "open"],
  [["n"], "older"],
] as const;

function headingOf(data: Found | undefined, { after }: FindQuestion): string {
  if (data === undefined) return "Deliveries";
  const some = `${counted(data.rows.length)} ${data.rows.length === 1 ? "delivery" : "deliveries"}`;
  return data.next === "" && after === "" ? some : `${some} on this page`;
}

interface ChipsProps {
  data: Found | undefined;
  question: FindQuestion;
  ask(filter: Filter, about?: Partial<FindQuestion>): void;
}

function Chips({ data, question: { filter }, ask }: ChipsProps): VNode {
  return html`<div class="chips" role="group" aria-label="Filters in use">
    ${
      data !== undefined &&
      data.apps.length > 1 &&
      html`<label class="faint" for="app">App</label><select id="app" value=${data.app} onChange=${(event: Event) => ask(filter, { app: (event.target as HTMLSelectElement).value })}>
        ${data.apps.map((id) => html`<option value=${id} key=${id}>${id}</option>`)}</select>`
    }
    ${data?.areAppsCut && html`<span class="faint">The first ${counted(data.apps.length)} apps of more: a key is looked for in these alone.</span>`}
    ${chipsOf(filter).map(({ name, key, value }) => {
      const { [key]: _, ...rest } = filter;
      return html`<span class="chip on" key=${key}><span class="k">${name}</span> ${value} <button type="button" aria-label=${`Remove the filter ${name} ${value}`} onClick=${() => ask(rest)}><span aria-hidden="true">×</span></button></span>`;
    })}
    <label class="sr" for="channel">Channel</label>
    <select id="channel" value=${filter.channel ?? ""} onChange=${(event: Event) => {
      const { channel: _, ...rest } = filter;
      const value = (event.target as HTMLSelectElement).value;
      ask(value === "" ? rest : { ...rest, channel: value });
    }}>
      <option value="">Every channel</option>
      ${[
        ["apns", "APNs"],
        ["fcm", "FCM"],
        ["webpush", "Web Push"],
        ["sms", "SMS"],
        ["email", "E-mail"],
      ].map(([value, name]) => html`<option value=${value} key=${value}>${name}</option>`)}
    </select>
  </div>`;
}
