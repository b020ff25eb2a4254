import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { html } from "../../web/client/html.ts";
import { counted, instant } from "../../web/client/time.ts";
import type { Me } from "../view.ts";
import type { Apps, AppView, KeyRow, WebhookRow } from "../view-apps.ts";
import { Frame } from "./frame.ts";
import { Live, Status, useFresh } from "./fresh.ts";
import { type KeyAct, KeyDialog } from "./key-dialogs.ts";
import { type Steering, SteeringDialog } from "./steering.ts";
import { findLink, heads, operatorButton } from "./tables.ts";
import { CHANNEL_NAMES, moment } from "./words.ts";

export function AppsScreen({ me }: { me: Me }): VNode {
  const [act, setAct] = useState<KeyAct>();
  const [steering, setSteering] = useState<Steering>();
  const fresh = useFresh<Apps>("/api/apps");
  const { data, staleSince } = fresh;
  const isOperator = me.role === "operator";
  return html`<${Frame} me=${me} title="Apps and keys" here="Apps and keys" keys=${{}} keyRows=${[]}>
    <div class="head"><h1>Apps and keys</h1><${Live} now=${data?.now} staleSince=${staleSince} /></div>
    <p class="dim">Who may send, and with which keys. The store keeps hashes of keys, and not when one was last used. Apps, limits and webhooks are changed by <code>carillon app</code>.</p>
    <${Status} of=${fresh} what="The apps could not be read" />
    ${data?.apps.length === 0 && html`<section class="panel" aria-label="Apps"><div class="empty"><p>There is no app: <code>carillon app create ID</code> makes one.</p></div></section>`}
    ${data?.apps.map((app) => html`<${App} key=${app.id} app=${app} now=${data.now} isOperator=${isOperator} act=${setAct} steer=${setSteering} />`)}
    ${data?.isCut && html`<p class="faint">The first ${counted(data.apps.length)} apps of more, by id. All of them: carillon app list</p>`}
    ${act && html`<${KeyDialog} act=${act} close=${() => setAct(undefined)} changed=${fresh.read} />`}
    ${steering && html`<${SteeringDialog} steering=${steering} targets=${data?.apps.map(({ id }) => `app:${id}`) ?? []} areTargetsCut=${data?.isCut ?? false} close=${() => setSteering(undefined)} changed=${fresh.read} />`}
  <//>`;
}

interface AppProps {
  app: AppView;
  now: number;
  isOperator: boolean;
  act(act: KeyAct): void;
  steer(steering: Steering): void;
}

function App({ app, now, isOperator, act, steer }: AppProps): VNode {
  const { id, pausedBy } = app;
  const target = `app:${id}`;
  return html`<section class="panel" aria-labelledby=${`app-${id}`}>
    <header><h2 id=${`app-${id}`}>${id}</h2>
      ${pausedBy ? html`<span class="state warn">Paused</span> <span class="dim">by ${pausedBy.actor}, ${moment(pausedBy.at, now)}: “${pausedBy.reason}”</span>` : ""}
      <div class="actions">
        ${pausedBy ? operatorButton(isOperator, "Resume…", () => steer({ action: "resume", target })) : operatorButton(isOperator, "Pause…", () => steer({ action: "pause", target }))}
        ${operatorButton(isOperator, "New key…", () => act({ kind: "create", app: id }))}
      </div></header>
    <div class="body"><${Facts} app=${app} /></div>
    <${Keys} app=${app} now=${now} isOperator=${isOperator} act=${act} />
    ${app.webhooks.length > 0 && html`<${Webhooks} webhooks=${app.webhooks} id=${id} now=${now} />`}
  </section>`;
}

const Facts = ({ app: { id, channels, open, isOpenCut, limits, accounts } }: { app: AppView }) =>
  html`<dl class="facts">
    <div><dt>Channels</dt><dd>${channels.map((one) => CHANNEL_NAMES[one]).join(", ") || "none"}</dd></div>
    <div><dt>Open</dt><dd>${open === 0 ? "0" : html`<a href=${findLink({ app: id, state: "pending" })}>${counted(open)}${isOpenCut ? " or more" : ""}</a>`}</dd></div>
    ${limits.map(({ name, value }, i) => html`<div key=${`${name} ${i}`}><dt>${name}</dt><dd class="mono">${value}</dd></div>`)}
    ${limits.length === 0 && html`<div><dt>Limits and senders</dt><dd>none of its own: the installation's apply</dd></div>`}
    <div><dt>Accounts</dt><dd>${accounts.map(({ of, account }) => `${of}: ${account}`).join(", ") || "the default ones"}</dd></div>
  </dl>`;

const KEY_MARKS: Readonly<Record<KeyRow["state"], string>> = { valid: "ok", expired: "warn", revoked: "" };
const KEY_WORDS: Readonly<Record<KeyRow["state"], string>> = { valid: "Valid", expired: "Expired", revoked: "Revoked" };

const time = (at: number | undefined, none: string) =>
  at === undefined ? html`<span class="dim">${none}</span>` : html`<time class="mono" datetime=${instant(at)}>${moment(at)}</time>`;

function Keys({ app: { id, keys }, isOperator, act }: Pick<AppProps, "app" | "now" | "isOperator" | "act">): VNode {
  if (keys.length === 0) return html`<div class="empty"><p>It has no key, so nobody can send as it.</p></div>`;
  return html`<table role="table" class="stack keys-of-app" aria-label=${`Keys of ${id}`}>
    ${heads(["Key"], ["State"], ["Made (UTC)"], ["Expires (UTC)"], ["Revoked (UTC)"], [""])}
    <tbody role="rowgroup">${keys.map(
      (key) => html`<tr role="row" key=${key.id}>
        <th role="rowheader" scope="row" class="mono">${key.prefix}…</th>
        <td role="cell"><span class=${`state ${KEY_MARKS[key.state]}`}>${KEY_WORDS[key.state]}</span></td>
        <td role="cell" class="nowrap" data-label="Made (UTC)">${time(key.createdAt, "not known")}</td>
        <td role="cell" class="nowrap" data-label="Expires (UTC)">${time(key.expiresAt, "never")}</td>
        <td role="cell" class="nowrap" data-label="Revoked (UTC)">${time(key.revokedAt, "–")}</td>
        <td role="cell" class="num">${
          key.state === "valid" &&
          html`<div class="actions">${operatorButton(isOperator, "Rotate…", () => act({ kind: "rotate", app: id, keyId: key.id }))}${operatorButton(isOperator, "Revoke…", () => act({ kind: "revoke", app: id, keyId: key.id }))}</div>`
        }</td>
      </tr>`,
    )}</tbody></table>`;
}

const HOOK_MARKS: Readonly<Record<WebhookRow["state"], string>> = { active: "ok", failing: "warn", disabled: "bad" };
const HOOK_WORDS: Readonly<Record<WebhookRow["state"], string>> = { active: "Active", failing: "Failing", disabled: "Disabled" };

const Webhooks = ({ webhooks, id, now }: { webhooks: readonly WebhookRow[]; id: string; now: number }) =>
  html`<table role="table" class="stack" aria-label=${`Webhooks of ${id}`}>
    ${heads(["Webhook"], ["State"], ["Since (UTC)"], ["URL"], ["Secrets", "num"])}
    <tbody role="rowgroup">${webhooks.map(
      ({ name, state, why, since, url, secrets }) => html`<tr role="row" key=${name}>
        <th role="rowheader" scope="row">${name}</th>
        <td role="cell"><span class=${`state ${HOOK_MARKS[state]}`}>${HOOK_WORDS[state]}${why && `: ${why}`}</span></td>
        <td role="cell" class="nowrap" data-label="Since (UTC)">${since === undefined ? html`<span class="dim">–</span>` : html`<time class="mono" datetime=${instant(since)}>${moment(since, now)}</time>`}</td>
        <td role="cell" class="full text mono" data-label="URL">${url}</td>
        <td role="cell" class="num" data-label="Secrets">${secrets}</td>
      </tr>`,
    )}</tbody></table>`;
