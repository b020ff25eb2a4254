import { Fragment, type VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { BrandMark } from "../../web/client/brand-mark.ts";
import { type Children, html } from "../../web/client/html.ts";
import { type Keys, useKeys } from "../../web/client/keys.ts";
import { type KeyRows, KeysDialog } from "../../web/client/keys-dialog.ts";
import type { Me } from "../view.ts";

const SCREENS: readonly (readonly [name: string, href: string, key: string])[] = [
  ["Now", "/now", "n"],
  ["Find", "/find", "f"],
  ["Person", "/people", "p"],
  ["Dead letters", "/dead-letters", "d"],
  ["Apps and keys", "/apps", "a"],
  ["Accounts", "/accounts", "c"],
];
const ROLE_NAMES: Readonly<Record<Me["role"], string>> = { viewer: "Viewer", support: "Support", operator: "Operator" };
const COMMON: KeyRows = [
  ...SCREENS.map(([name, , key]) => [["g", key], `go to ${name}`] as const),
  [["?"], "these keys"],
  [["Esc"], "close, leave a field"],
];

interface FrameProps {
  me: Me;
  title: string;
  here: string;
  keys: Keys;
  keyRows: KeyRows;
  children?: Children;
}

/** What every screen stands in: navigation, who is signed in, keys. */
export function Frame({ me, title, here, keys, keyRows, children }: FrameProps): VNode {
  const [isHelp, setHelp] = useState(false);
  const main = useRef<HTMLElement>(null);
  /** Whether g was the last key. */
  const isGoing = useRef(false);
  useEffect(() => {
    document.title = `${title} · Carillon`;
  }, [title]);
  const after = (act: () => void) => () => {
    isGoing.current = false;
    act();
  };
  const own = Object.fromEntries(Object.entries(keys).map(([key, act]) => [key, after(act)]));
  const go = Object.fromEntries(
    SCREENS.map(([, href, key]) => [key, () => (isGoing.current ? location.assign(href) : own[key]?.())] as const),
  );
  const [isOn, set] = useKeys({
    ...own,
    ...go,
    g: () => {
      isGoing.current = true;
    },
    "?": after(() => setHelp(true)),
  });
  const skip = (event: Event) => {
    event.preventDefault();
    main.current?.focus();
  };
  return html`<${Fragment}>
    <a class="button skip" href="#main" onClick=${skip}>Skip to the content</a>
    <div class="frame">
      <header class="side">
        <a class="brand" href="/now"><${BrandMark} /> Carillon</a>
        <nav class="nav" aria-label="Console">
          ${SCREENS.map(
            ([name, href, key]) =>
              html`<a href=${href} key=${name} aria-current=${name === here ? "page" : undefined}>${name} <kbd aria-hidden="true">g ${key}</kbd></a>`,
          )}
        </nav>
        <div class="me">
          <span>${me.name}</span>
          <span>${ROLE_NAMES[me.role]}</span>
          <span>Times in UTC · <button type="button" class="plain" onClick=${() => setHelp(true)}>Keys <kbd>?</kbd></button></span>
          <form method="post" action="/logout"><button class="plain">Sign out</button></form>
        </div>
      </header>
      <main class="main" id="main" tabindex="-1" ref=${main}>${children}</main>
    </div>
    ${isHelp && html`<${KeysDialog} rows=${[...keyRows, ...COMMON]} isOn=${isOn} set=${set} close=${() => setHelp(false)} />`}
  <//>`;
}
