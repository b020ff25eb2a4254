import { render, type VNode } from "preact";
import { html } from "../../web/client/html.ts";
import { useJson } from "../../web/client/load.ts";
import type { Me } from "../view.ts";
import { AccountsScreen } from "./accounts.ts";
import { AppsScreen } from "./apps.ts";
import { DeadScreen } from "./dead.ts";
import { FindScreen } from "./find.ts";
import { NotificationScreen } from "./notification.ts";
import { NowScreen } from "./now.ts";
import { PersonScreen } from "./person.ts";

/** Each screen is a page of its own: links are links. */
function Screen(): VNode {
  const { data: me, fault, again } = useJson<Me>("/api/session");
  if (fault !== undefined)
    return html`<main class="main" id="main"><div class="empty" role="alert"><h1>You are not signed in, or the console does not answer</h1><p>${fault}</p>
      <div class="actions"><a class="button" href="/login">Sign in</a><button type="button" onClick=${again}>Try again now</button></div></div></main>`;
  if (me === undefined) return html`<main class="main" aria-busy="true"><span class="sr">Loading</span></main>`;
  const id = /^\/notifications\/([0-9a-f]{32})$/.exec(location.pathname)?.[1];
  if (location.pathname === "/now") return html`<${NowScreen} me=${me} />`;
  if (location.pathname === "/people") return html`<${PersonScreen} me=${me} />`;
  if (location.pathname === "/apps") return html`<${AppsScreen} me=${me} />`;
  if (location.pathname === "/accounts") return html`<${AccountsScreen} me=${me} />`;
  if (location.pathname === "/dead-letters") return html`<${DeadScreen} me=${me} />`;
  return id === undefined ? html`<${FindScreen} me=${me} />` : html`<${NotificationScreen} me=${me} id=${id} />`;
}

render(html`<${Screen} />`, document.body);
