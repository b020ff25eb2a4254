import { type Html, html } from "../../runtime/http/html.ts";
import type { HttpResponse } from "../../runtime/http/server.ts";
import { type Blocked, type Cell, type ChoiceTable, type Column, type Row, shownCells } from "../preference-table.ts";
import { inLanguage, type Language } from "./language.ts";
import { type BrandView, pageAnswer } from "./layout.ts";
import { type Notice, PREFERENCE_WORDS } from "./preference-words.ts";

/** What the page shows of one person. Dates are words already. */
export interface PreferenceView {
  language: Language;
  brand: BrandView;
  table: ChoiceTable;
  /** Titles of what nobody can refuse. */
  required: readonly string[];
  /** Masked; undefined: not known, or several. */
  address: string | undefined;
  /** Whether the choices are about more than that address. */
  hasOthers: boolean;
  version: number;
  /** Whether "Everything off" would change nothing: hidden categories, too, are refused until the person chooses otherwise. */
  isAllOff: boolean;
  notice?: Notice | undefined;
  /** The version that Undo takes back, and when it was made. */
  undo?: { version: number; date: string } | undefined;
  /** Undefined: nothing is paused. */
  pausedUntil: string | undefined;
  /** When a pause that begins now would end. */
  pauseEnds: string;
  linkEnds: string;
}

/** Everything works without scripts: each button is that of a form of its own, which posts to the page's own URL. */
export function preferencePage(view: PreferenceView, status = 200): HttpResponse {
  const { language, brand, table } = view;
  const words = PREFERENCE_WORDS[language];
  const body = html`${saidOf(view)}  <div>
    <h1>${words.title}</h1>
    <p class="lead">${words.lead(view.address, view.hasOthers)}</p>
  </div>
${table.rows.length === 0 ? html`  <p class="box pad">${words.nothingToChoose}</p>\n` : choicesOf(view)}${actionsOf(view)}`;
  const footer = html`<p>${words.footer(view.linkEnds)}</p>`;
  return pageAnswer(status, { language, brand, title: words.title, body, footer, isWide: true });
}

/** What has just happened, and what is not as the table says. */
function saidOf(view: PreferenceView): Html | undefined {
  const said = [noticeOf(view), pauseOf(view)].flatMap((one) => one ?? []);
  return said.length === 0 ? undefined : html`  <div role="status" class="news">\n${said}  </div>\n`;
}

function noticeOf({ language, notice, undo, pausedUntil }: PreferenceView): Html | undefined {
  // The line of the pause says it, and ends it.
  if (notice?.kind === "paused" || (notice === undefined && (undo === undefined || pausedUntil !== undefined))) return undefined;
  const words = PREFERENCE_WORDS[language];
  const [first, more] = notice === undefined ? [undefined, words.lastChange(undo?.date ?? "")] : words.notice(notice);
  const kind = notice === undefined ? " earlier" : REFUSED.has(notice.kind) ? " not" : "";
  const takeBack =
    undo && html`<input type="hidden" name="undo" value="${String(undo.version)}"><button type="submit">${words.undo}</button>`;
  return html`    <form class="said${kind}" method="post">
      <p>${first && html`<b>${first}</b> `}${more}</p>
      ${takeBack}
    </form>\n`;
}

const REFUSED: ReadonlySet<Notice["kind"]> = new Set(["outdated", "too-many", "too-late"]);

function pauseOf({ language, pausedUntil, required, version }: PreferenceView): Html | undefined {
  if (pausedUntil === undefined) return undefined;
  const words = PREFERENCE_WORDS[language];
  const [head, rest] = words.pausedNow(pausedUntil, required);
  return html`    <form class="said waits" method="post">
      <p><b>${head}</b> ${rest}</p>
      <input type="hidden" name="version" value="${String(version)}">
      <button type="submit" name="resume" value="now">${words.resume}</button>
    </form>\n`;
}

function choicesOf({ language, brand, table, version }: PreferenceView): Html {
  const words = PREFERENCE_WORDS[language];
  const notes = notesOf(table, language);
  const noteOf = (cell: Cell) => notes.findIndex(({ column, refusal }) => column === cell.column && refusal === cell.blocked);
  const cellOf = (cell: Cell, title: string) => {
    const state = cell.blocked ? html` disabled aria-describedby="note${String(noteOf(cell))}"` : cell.isOn ? html` checked` : undefined;
    return html`
          <td role="cell"><label><input type="checkbox" name="${cell.name}"${state}><span>${words.columns[cell.column]}<span class="sr">: ${title}</span></span></label></td>`;
  };
  const rowOf = (row: Row) => {
    const { title, description } = labelOf(row, language);
    return html`
        <tr role="row">
          <th role="rowheader" scope="row">${title}${description && html` <small>${description}</small>`}</th>${
            row.cells.length > 0
              ? row.cells.map((cell) => cellOf(cell, title))
              : html`
          <td role="cell" colspan="${String(table.columns.length)}" class="always">${words.always}</td>`
          }
        </tr>`;
  };
  const headOf = (column: Column) => html`<th role="columnheader" scope="col">${words.columns[column]}</th>`;
  return html`  <form class="box" method="post">
    <input type="hidden" name="version" value="${String(version)}">
    <input type="hidden" name="was" value="${shownCells(table)}">
    <div class="choices">
    <table role="table">
      <caption class="sr">${words.caption}</caption>
      <thead role="rowgroup">
        <tr role="row"><th role="columnheader" scope="col">${words.topic}</th>${table.columns.map(headOf)}</tr>
      </thead>
      <tbody role="rowgroup">${table.rows.map(rowOf)}
      </tbody>
    </table>
    </div>
${notes.map(
  (
    { refusal, column, titles },
    i,
  ) => html`    <p class="hint note" id="note${String(i)}">${words.blocked(refusal, { titles, column, brand: brand.name })}</p>
`,
)}    <div class="save">
      <button class="go" type="submit" name="save" value="choices">${words.save}</button>
      <p class="hint">${words.notYet}</p>
    </div>
  </form>
`;
}

function actionsOf({ language, required, isAllOff, pausedUntil, pauseEnds, version }: PreferenceView): Html | undefined {
  const words = PREFERENCE_WORDS[language];
  if (isAllOff) return undefined;
  const versionField = html`<input type="hidden" name="version" value="${String(version)}">`;
  const pause = html`
    <form class="pad" method="post">
      <div><h2>${words.pause}</h2><p class="lead">${words.pauseWhat(pauseEnds, required)}</p></div>
      ${versionField}
      <p><button type="submit" name="pause" value="30">${words.pauseUntil(pauseEnds)}</button></p>
    </form>`;
  return html`  <div class="box${pausedUntil === undefined ? " two" : ""}">${pausedUntil === undefined ? pause : undefined}
    <form class="pad" method="post">
      <div><h2>${words.off}</h2><p class="lead">${words.offWhat(required)}</p></div>
      ${versionField}
      <p><button class="go off" type="submit" name="everything" value="off">${words.turnOff}</button></p>
    </form>
  </div>`;
}

export const labelOf = ({ category }: Pick<Row, "category">, language: Language) =>
  inLanguage(category.labels, language) ?? { title: category.name };

/** Why cells are disabled: one sentence for each channel and reason. */
function notesOf({ rows }: ChoiceTable, language: Language): { column: Column; refusal: Blocked; titles: string[] }[] {
  const notes: { column: Column; refusal: Blocked; titles: string[] }[] = [];
  for (const row of rows)
    for (const { column, blocked: refusal } of row.cells) {
      if (refusal === undefined) continue;
      const { title } = labelOf(row, language);
      const known = notes.find((note) => note.column === column && note.refusal === refusal);
      if (known) known.titles.push(title);
      else notes.push({ column, refusal, titles: [title] });
    }
  return notes;
}
