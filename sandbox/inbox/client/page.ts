import { Fragment, type VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../../../web/client/html.ts";
import { useKeys } from "../../../web/client/keys.ts";
import { KeysDialog } from "../../../web/client/keys-dialog.ts";
import { useLive } from "../../../web/client/live.ts";
import { sendJson, useJson } from "../../../web/client/load.ts";
import type { EventName, InboxChannel, MessageList, Summary } from "../view.ts";
import { Bar } from "./bar.ts";
import { ClearDialog, KEYS } from "./dialogs.ts";
import { List } from "./list.ts";
import { Pane } from "./pane.ts";

const EVENTS: readonly EventName[] = ["messages", "faults", "timeline", "beat"];
/** Messages in the list; older ones are found by a search. */
const LISTED = 200;
/** Between the last letter of a search and the question, in ms. */
const TYPING_MS = 150;

export function InboxPage(): VNode {
  const [words, setWords] = useState("");
  const [channel, setChannel] = useState<InboxChannel>();
  const [revisions, setRevisions] = useState({ messages: 0, faults: 0, timeline: 0 });
  const [chosen, choose] = useState<number>();
  const [dialog, setDialog] = useState<"keys" | "clear">();
  const search = useRef<HTMLInputElement>(null);
  const typed = useTyped(setWords);

  const raise = (...names: (keyof typeof revisions)[]) =>
    setRevisions((before) => ({ ...before, ...Object.fromEntries(names.map((name) => [name, before[name] + 1])) }));
  const staleSince = useLive("/inbox/api/events", EVENTS, (name, data) => {
    if (name === "open") raise("messages", "faults", "timeline");
    if (name === "messages" || name === "faults") raise(name);
    if (name === "timeline" && (data === "" || data === String(shownId))) raise("timeline");
  });

  const query = new URLSearchParams({ limit: String(LISTED), ...(words && { q: words }), ...(channel && { channel }) });
  const listed = useJson<MessageList>(`/inbox/api/list?${query}`, revisions.messages);
  const { rows, held, show, setStill } = useHeldRows(listed.data?.messages, query.toString());

  // The latest, until one is chosen or looked at; that one stays while it is kept, also when a search hides it.
  const shownId = chosen ?? rows[0]?.id;
  const at = rows.findIndex(({ id }) => id === shownId);
  const step = (by: number) => {
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (next === undefined) return;
    choose(next.id);
    document.getElementById(`item-${next.id}`)?.focus();
  };
  const pressTab = (place: number) => document.querySelectorAll<HTMLElement>("#detail [role=tab]")[place]?.click();
  const tabKeys = Object.fromEntries([1, 2, 3, 4, 5].map((n) => [String(n), () => pressTab(n - 1)]));
  const [keysAreOn, setKeys] = useKeys({
    "/": () => search.current?.focus(),
    j: () => step(1),
    k: () => step(-1),
    ...tabKeys,
    Delete: () => setDialog("clear"),
    "?": () => setDialog("keys"),
    Escape: () => setDialog(undefined),
  });
  const clear = async () => {
    await sendJson("DELETE", "/inbox/api/messages");
    choose(undefined);
    setDialog(undefined);
  };

  return html`<${Fragment}>
    <a class="button skip" href="#detail">Skip to the message</a>
    <${Bar} search=${search} list=${listed.data} staleSince=${staleSince} onSearch=${typed} onKeys=${() => setDialog("keys")} />
    <main class="inbox">
      <h1 class="sr">Inbox</h1>
      <${List} rows=${rows} list=${listed.data} isSlow=${listed.isSlow} fault=${listed.fault} again=${listed.again} held=${held} show=${show} still=${setStill}
        shownId=${shownId} choose=${choose} channel=${channel} setChannel=${setChannel} isSearch=${words !== ""} onClear=${() => setDialog("clear")} />
      <${Pane} id=${shownId} revisions=${revisions} keep=${() => choose(shownId)} />
    </main>
    ${dialog === "keys" && html`<${KeysDialog} rows=${KEYS} isOn=${keysAreOn} set=${setKeys} close=${() => setDialog(undefined)} />`}
    ${dialog === "clear" && html`<${ClearDialog} list=${listed.data} clear=${clear} close=${() => setDialog(undefined)} />`}
  <//>`;
}

/** Calls with the text once nothing was typed for a moment. */
function useTyped(set: (text: string) => void): (text: string) => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  return (text) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set(text.trim()), TYPING_MS);
  };
}

/**
 * The rows that the list shows. While somebody reads or points at the list, new ones are held back and counted, because in a list that moves people
 * click the wrong row. From then on they wait until the reader asks for them.
 * @param about the search; the rows of another one are shown at once
 */
function useHeldRows(latest: readonly Summary[] | undefined, about: string) {
  const [shown, setShown] = useState<{ about: string; rows: readonly Summary[] }>({ about: "", rows: [] });
  const [isStill, setStill] = useState(false);
  const holds = useRef(false);
  const newest = shown.rows[0]?.id ?? 0;
  const added = latest?.filter(({ id }) => id > newest) ?? [];
  // Where the newest is gone from a list that has room for it, it was cleared.
  const isCleared = latest !== undefined && latest.length < LISTED && !latest.some(({ id }) => id === newest);
  const mustHold = (isStill || holds.current) && shown.about === about && added.length > 0 && !isCleared;
  holds.current = mustHold;
  const show = () => latest && setShown({ about, rows: latest });
  useEffect(() => {
    if (!mustHold) show();
  }, [latest, about, isStill]);
  return { rows: shown.rows, held: mustHold ? added.length : 0, show, setStill };
}
