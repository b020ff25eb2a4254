import { Fragment, type VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import { useJson } from "../../web/client/load.ts";
import type { HistoryEntry, PersonAnswer, PersonQuestion, PersonView, Revealed } from "../person-view.ts";
import type { Me } from "../view.ts";
import { Frame } from "./frame.ts";
import { LiftDialog, OptOutDialog, RevealDialog, UndoDialog } from "./person-dialogs.ts";
import { EndpointsPanel, HistoryPanel, MatrixPanel, RecentPanel } from "./person-panels.ts";

/** The person stands in the fragment, which no server is sent. */
const readHash = (): PersonQuestion => {
  const { app = "", user = "" } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return { app, user };
};

const KEYS = [
  [["/"], "search"],
  [["o"], "record an opt-out"],
] as const;

type Open = { kind: "reveal" | "opt-out" | "undo" } | { kind: "lift"; endpoint: string };

export function PersonScreen({ me }: { me: Me }): VNode {
  const [question, setQuestion] = useState(readHash);
  useEffect(() => {
    const changed = () => setQuestion(readHash());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  // Each person has a screen of their own: nothing that was read, revealed or begun of one is there when another is opened.
  return html`<${OnePerson} key=${JSON.stringify(question)} me=${me} question=${question} />`;
}

function OnePerson({ me, question }: { me: Me; question: PersonQuestion }): VNode {
  const [revision, setRevision] = useState(0);
  const [open, setOpen] = useState<Open>();
  const [revealed, setRevealed] = useState<Revealed>();
  const box = useRef<HTMLInputElement>(null);
  const { data, isSlow, fault, again } = useJson<PersonAnswer>("/api/person", revision, question);
  const maySupport = me.role !== "viewer";
  const person = data?.person;
  const keys = { "/": () => box.current?.focus(), o: () => maySupport && person && setOpen({ kind: "opt-out" }) };
  const ask = (of: Partial<PersonQuestion>) => {
    location.hash = new URLSearchParams({ app: data?.app ?? "", user: question.user, ...of }).toString();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const user = box.current?.value.trim() ?? "";
    if (user === "") return;
    ask({ user });
    if (box.current) box.current.value = "";
  };
  const about = { app: data?.app ?? "", user: question.user };
  const dialog = { about, close: () => setOpen(undefined), changed: () => setRevision((n) => n + 1) };
  return html`<${Frame} me=${me} title=${person?.user ?? "Person"} here="Person" keys=${keys} keyRows=${KEYS}>
    <form class="stack-v" role="search" onSubmit=${submit}>
      <div class="search">
        <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true"><circle cx="7" cy="7" r="4.5" /><path d="m10.5 10.5 3.5 3.5" /></svg>
        <label class="sr" for="q">The user's id, as the app sends it</label>
        <input id="q" type="search" autocomplete="off" spellcheck=${false} maxlength="128" placeholder="The user's id, as the app sends it" ref=${box}
          onKeyDown=${(event: KeyboardEvent) => event.key === "Escape" && box.current?.blur()} />
      </div>
      ${
        (data?.apps.length ?? 0) > 1 &&
        html`<div class="chips"><label class="faint" for="app">App</label><select id="app" value=${data?.app} onChange=${(event: Event) => ask({ app: (event.target as HTMLSelectElement).value })}>
        ${data?.apps.map((id) => html`<option value=${id} key=${id}>${id}</option>`)}</select>${data?.areAppsCut && html`<span class="faint">The first ${data.apps.length} apps of more</span>`}</div>`
      }
    </form>
    ${fault !== undefined && html`<div class="empty" role="alert"><h1>The person could not be read</h1><p>${fault}. Sending goes on; this concerns the console alone.</p><div class="actions"><button type="button" onClick=${again}>Try again now</button></div></div>`}
    ${isSlow && html`<div class="stack-v" aria-busy="true"><span class="sr">Loading</span><span class="bone w1"></span><span class="bone w2"></span></div>`}
    ${data !== undefined && person === undefined && html`<div class="empty"><h1>Person</h1><p>What one person gets, and why: type the id by which the app knows them. An address or a number is looked for under <a href="/find">Find</a>, whose rows lead here.</p></div>`}
    ${
      person !== undefined &&
      html`<${Fragment}>
      <${Head} person=${person} maySupport=${maySupport} isRevealed=${revealed !== undefined} open=${setOpen} />
      <${Problem} person=${person} />
      <${MatrixPanel} person=${person} isOperator=${me.role === "operator"} undo=${() => setOpen({ kind: "undo" })} />
      <div class="cols">
        <${HistoryPanel} person=${person} entries=${withRevealed(person.history, revealed?.history)} />
        <div class="stack-v">
          <${EndpointsPanel} person=${person} shown=${revealed?.endpoints} isOperator=${me.role === "operator"} lift=${(endpoint: string) => setOpen({ kind: "lift", endpoint })} />
          <${RecentPanel} person=${person} about=${about} />
        </div>
      </div>
      ${open?.kind === "reveal" && html`<${RevealDialog} ...${dialog} shown=${setRevealed} />`}
      ${open?.kind === "opt-out" && html`<${OptOutDialog} ...${dialog} person=${person} />`}
      ${open?.kind === "undo" && html`<${UndoDialog} ...${dialog} person=${person} />`}
      ${open?.kind === "lift" && html`<${LiftDialog} ...${dialog} endpoint=${person.endpoints.find(({ id }) => id === open.endpoint)} />`}
    <//>`
    }
  <//>`;
}

/** Changes that came after the reveal stand as they were read. */
function withRevealed(history: readonly HistoryEntry[], revealed: readonly HistoryEntry[] = []): HistoryEntry[] {
  const keyOf = ({ endpoint, version, at }: HistoryEntry) => `${endpoint} ${version} ${at}`;
  const whole = new Map(revealed.map((entry) => [keyOf(entry), entry]));
  return history.map((entry) => whole.get(keyOf(entry)) ?? entry);
}

interface HeadProps {
  person: PersonView;
  maySupport: boolean;
  isRevealed: boolean;
  open(dialog: Open): void;
}

function Head({
  person: { user, profile, reference, earlierReferences, isReferenceLasting },
  maySupport,
  isRevealed,
  open,
}: HeadProps): VNode {
  const facts = [
    profile.locale,
    [profile.timeZone, profile.localTime && `now ${profile.localTime}`].filter(Boolean).join(", "),
    profile.quietHours && `quiet hours ${profile.quietHours}`,
    profile.tenant && `tenant ${profile.tenant}`,
  ].filter(Boolean);
  return html`<div class="stack-v">
    <div class="head">
      <h1 class="text">${user}</h1>
      <span class="faint">${facts.join(" · ") || "No profile: neither language nor time zone is known"}</span>
      <div class="actions">
        <button type="button" disabled=${!maySupport || isRevealed} aria-describedby="why-not" onClick=${() => open({ kind: "reveal" })}>${isRevealed ? "Addresses are shown" : "Reveal addresses…"}</button>
        <button type="button" class="primary" disabled=${!maySupport} aria-describedby="why-not" onClick=${() => open({ kind: "opt-out" })}>Record an opt-out… <kbd>o</kbd></button>
        <span class="faint" id="why-not">${maySupport ? "" : "needs the role support"}</span>
      </div>
    </div>
    <p class="faint">In logs${isReferenceLasting ? "" : ", until this console is started again"}: <span class="mono">${reference}</span>${earlierReferences.length > 0 && html`; by earlier keys: <span class="mono">${earlierReferences.join(", ")}</span>`}</p>
  </div>`;
}

function Problem({ person: { problem, details, isUnknown } }: { person: PersonView }): VNode {
  if (isUnknown)
    return html`<section class="banner note" aria-labelledby="note"><h2 id="note">Nothing is stored about a user of this id</h2><p>Ids are exact: capital letters count. An opt-out can be recorded all the same, and holds for this id.</p></section>`;
  if (problem === "")
    return html`<p class="lead">Nothing is open: no delivery waits or is in doubt, and nothing failed in the last 7 days.</p>`;
  return html`<section class="banner note" aria-labelledby="note"><h2 id="note">${problem}</h2>${details.map((words) => html`<p key=${words}>${words}</p>`)}</section>`;
}
