import { Tokenizer } from "htmlparser2";

/** Elements that begin and end with a new line. */
const BLOCKS = setOf(
  "address article aside blockquote caption dd div dl dt fieldset figure footer form header li main nav ol section table tr ul",
);
/** Elements that an empty line separates from what is around them. */
const PARAGRAPHS = setOf("p h1 h2 h3 h4 h5 h6 table ul ol dl blockquote pre hr");
/** Elements whose content is left out. */
const UNREAD = setOf("head script style title template noscript object svg math textarea select");
/** Elements without an end tag. */
const VOID = setOf("area base br col embed hr img input link meta source track wbr");

/** `display: none` and its kin, as senders write them on preheaders. */
const HIDDEN = /(^|;)\s*(display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all)/i;
/** A link that is worth reading in plain text. */
const LINK = /^(https?:|mailto:|tel:)/i;

/** Between what the text will have there: the larger one counts. */
const SPACE = " ";
const LINE = "\n";
const PARAGRAPH = "\n\n";
type Gap = "" | typeof SPACE | typeof LINE | typeof PARAGRAPH;

function setOf(names: string): ReadonlySet<string> {
  return new Set(names.split(" "));
}

const nothing = () => undefined;
const IGNORED = {
  ...{ onattribname: nothing, onattribdata: nothing, onattribentity: nothing, onattribend: nothing, onselfclosingtag: nothing },
  ...{ ontext: nothing, ontextentity: nothing, oncdata: nothing, oncomment: nothing, ondeclaration: nothing },
  ...{ onprocessinginstruction: nothing, onend: nothing },
};

interface Link {
  href: string;
  /** Length of the text before it. */
  from: number;
}

/**
 * The text that a mail without a plain part of its own is given, so that it can be read, and is rated, where html is not. "" where html shows none.
 *
 * One pass over the tags, without a tree: 512 KiB of any tags take some 30 ms, however they are nested or left open. (html-to-text builds a tree and
 * walks it recursively: 64 KiB of unclosed tags overflow its stack, and a colspan of a million takes it 0.4 s.) The same html always gives the same text.
 */
export function textOfHtml(html: string): string {
  const out = createOut();
  /** While in an element that is not read: its name, and how many of that name are open. */
  let unread: { name: string; depth: number } | undefined;
  let link: Link | undefined;
  let tag = "";
  let attribute = "";
  let value = "";
  let href = "";
  let isHidden = false;

  const open = (isClosed: boolean) => {
    const name = tag;
    if (unread !== undefined) {
      if (name === unread.name && !isClosed) unread.depth += 1;
      return;
    }
    if ((UNREAD.has(name) || isHidden) && !VOID.has(name)) {
      if (!isClosed) unread = { name, depth: 1 };
      return;
    }
    out.gap(gapOf(name));
    if (name === "br") out.lineBreak();
    if (name === "hr") out.text("---");
    if (name === "hr") out.gap(PARAGRAPH);
    if (name === "li") out.text("* ");
    if (name === "a") link = { href: href.trim(), from: out.length() };
  };
  const close = (name: string) => {
    if (unread !== undefined) {
      if (name === unread.name) unread.depth -= 1;
      if (unread.depth === 0) unread = undefined;
      return;
    }
    if (name === "a" && link !== undefined) {
      if (LINK.test(link.href) && !out.since(link.from).includes(withoutScheme(link.href))) out.text(` [${link.href}]`);
      link = undefined;
    }
    out.gap(gapOf(name));
  };
  const nameIn = (start: number, end: number) => html.slice(start, end).toLowerCase();

  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      ...IGNORED,
      onopentagname(start, end) {
        tag = nameIn(start, end);
        href = "";
        isHidden = false;
      },
      onattribname(start, end) {
        attribute = nameIn(start, end);
        value = "";
        if (attribute === "hidden") isHidden = true;
      },
      onattribdata(start, end) {
        value += html.slice(start, end);
      },
      onattribentity(code) {
        value += String.fromCodePoint(code);
      },
      onattribend() {
        if (attribute === "href") href = value;
        if (attribute === "style" && HIDDEN.test(value)) isHidden = true;
      },
      onopentagend: () => open(false),
      onselfclosingtag: () => open(VOID.has(tag)),
      onclosetag: (start, end) => close(nameIn(start, end)),
      ontext: (start, end) => unread ?? out.flow(html.slice(start, end)),
      ontextentity: (code) => unread ?? out.flow(String.fromCodePoint(code)),
    },
  );
  tokenizer.write(html);
  tokenizer.end();
  return out.whole();
}

/** Cells of a row stand apart by a space: "Sum 12 €". */
function gapOf(name: string): Gap {
  if (PARAGRAPHS.has(name)) return PARAGRAPH;
  if (BLOCKS.has(name)) return LINE;
  return name === "td" || name === "th" ? SPACE : "";
}

const withoutScheme = (href: string) => href.replace(/^([a-z]+:)(\/\/)?/i, "").replace(/\/$/, "");

/** Text with its white space as a browser shows it: runs are one space, and lines have none at their ends. */
function createOut() {
  const parts: string[] = [];
  let length = 0;
  let pending: Gap = "";
  const push = (text: string) => {
    parts.push(text);
    length += text.length;
  };
  const gap = (wanted: Gap) => {
    if (wanted.length > pending.length || (wanted !== "" && wanted !== SPACE && pending === SPACE)) pending = wanted;
  };
  const text = (word: string) => {
    if (pending !== "" && length > 0) push(pending);
    pending = "";
    push(word);
  };
  return {
    gap,
    text,
    lineBreak: () => {
      // Several of them in a row are an empty line, and no more.
      pending = pending === LINE || pending === PARAGRAPH ? PARAGRAPH : LINE;
    },
    /** Text between tags, with its white space as written. */
    flow(raw: string) {
      const shown = raw.replace(INVISIBLE, "").replace(/[ \t\r\n\f\u00a0]+/g, " ");
      if (shown.startsWith(" ")) gap(SPACE);
      const word = shown.trim();
      if (word !== "") text(word);
      if (word !== "" && shown.endsWith(" ")) gap(SPACE);
    },
    length: () => parts.length,
    since: (from: number) => parts.slice(from).join(""),
    whole: () => parts.join("").trim(),
  };
}

/** Characters that mails hold to fill the line that a list of mails shows. */
const INVISIBLE = /[\u034f\u200b-\u200d\u2007\ufeff\u00ad]/g;

/** What follows the preheader in a list of mails: without it, programs go on with the first words of the body. */
const FILLER = "&#847;&zwnj;&nbsp;".repeat(60);

/** As the text of an element or of a quoted attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** The html with the preheader as its first element, which is not shown where the mail is read. */
export function withPreheader(html: string, preheader: string | undefined): string {
  if (preheader === undefined || html === "") return html;
  const element = `<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">${escapeHtml(preheader)}${FILLER}</div>`;
  const at = bodyStart(html);
  return html.slice(0, at) + element + html.slice(at);
}

/** Where an element is the last one of the body: before its `</body>`, else before `</html>`, else the end. */
export function bodyEnd(html: string): number {
  let [ofBody, ofHtml] = [-1, -1];
  const tokenizer = new Tokenizer(
    { decodeEntities: false },
    {
      ...IGNORED,
      ...{ onopentagname: nothing, onopentagend: nothing },
      onclosetag(start, end) {
        const name = html.slice(start, end).toLowerCase();
        // Behind "</".
        if (name === "body") ofBody = start - 2;
        if (name === "html") ofHtml = start - 2;
      },
    },
  );
  tokenizer.write(html);
  if (ofBody >= 0) return ofBody;
  return ofHtml >= 0 ? ofHtml : html.length;
}

/** Behind `<body …>`, else behind `</head>` or `<html …>`, else the beginning. Tags in comments are none, as those for Outlook alone. */
function bodyStart(html: string): number {
  let at = 0;
  let tag = "";
  const tokenizer = new Tokenizer(
    { decodeEntities: false },
    {
      ...IGNORED,
      onopentagname(start, end) {
        tag = html.slice(start, end).toLowerCase();
      },
      onopentagend(end) {
        if (tag === "html" || tag === "body") at = end + 1;
        if (tag === "body") tokenizer.pause();
      },
      onclosetag(start, end) {
        if (html.slice(start, end).toLowerCase() === "head") at = html.indexOf(">", end) + 1 || at;
      },
    },
  );
  tokenizer.write(html);
  return at;
}
