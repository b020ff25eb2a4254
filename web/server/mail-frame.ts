import { Parser } from "htmlparser2";

/** A file of a mail, of which its text may show pictures. */
interface MailFile {
  /** By which the text names it; empty: it does not. */
  contentId: string;
  /** Media type. */
  type: string;
  /** In base64. */
  content: string;
}

const REMOTE = /^\s*(https?:)?\/\//i;
const STYLE_URL = /url\(\s*(?:["']\s*)?(?:https?:)?\/\/|@import\s+["']\s*(?:https?:)?\/\//gi;
const FETCHED_LINK = /stylesheet|icon|preload/i;
/** Attributes that a browser fetches by itself. */
const FETCHED = ["src", "srcset", "background", "poster", "data"];

/** How many pictures, fonts, style sheets and frames the html names elsewhere: what a mail program would fetch. */
export function countRemote(html: string): number {
  let count = 0;
  let inStyle = false;
  const inText = (text: string) => {
    count += text.match(STYLE_URL)?.length ?? 0;
  };
  const parser = new Parser({
    onopentag(name, attributes) {
      inStyle = name === "style";
      if (FETCHED.some((attribute) => REMOTE.test(attributes[attribute] ?? ""))) count++;
      if (name === "link" && FETCHED_LINK.test(attributes.rel ?? "") && REMOTE.test(attributes.href ?? "")) count++;
      inText(attributes.style ?? "");
    },
    ontext: (text) => inStyle && inText(text),
    onclosetag() {
      inStyle = false;
    },
  });
  parser.end(html);
  return count;
}

/** Elements whose text no reader sees. */
const UNSEEN = ["style", "script", "title"];

/** The beginning of what a reader sees of the html, up to about `charactersMax`. */
export function seenText(html: string, charactersMax: number): string {
  let text = "";
  let unseen = false;
  const parser = new Parser({
    onopentag(name) {
      unseen = UNSEEN.includes(name);
    },
    onclosetag() {
      unseen = false;
    },
    ontext(part) {
      if (unseen) return;
      text += `${part} `;
      if (text.length > charactersMax) parser.pause();
    },
  });
  parser.write(html);
  return text;
}

/**
 * Nothing but the mail's own styles and the files in it: no script, no form, no request to anywhere. `sandbox` gives it an origin of its own even
 * where the frame's address is opened by itself.
 */
export const MAIL_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  "x-dns-prefetch-control": "off",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

/** Types of files that a mail may show inside of its text. */
const PICTURE = /^image\/(png|jpeg|gif|webp|avif|svg\+xml)$/i;

/** Where one of these begins, whatever stands before it: browsers and parsers disagree on where comments, CDATA sections and raw text end. */
const CONNECTING_TAG = /<(?:link|meta|base|iframe)(?=[\s/>])/gi;
/** Browsers do nothing for it, and allow it where the others stand: in the head too, and without an end. */
const INERT_TAG = "<bgsound";

/**
 * The mail as its frame shows it: what it names by cid: is put into it. Elements that connect to elsewhere or change addresses are made inert, because
 * no content security policy stops a preconnect; a frame could hold one in its `srcdoc`.
 */
export function mailDocument(html: string, attachments: readonly MailFile[]): string {
  const pictures = new Map(
    attachments.flatMap(({ contentId, type, content }) =>
      contentId !== "" && PICTURE.test(type)
        ? [[contentId, `data:${type};base64,${content.replace(/[^A-Za-z0-9+/=]/g, "")}`] as const]
        : [],
    ),
  );
  return html.replace(CONNECTING_TAG, INERT_TAG).replace(/cid:([^"'\s)>]+)/gi, (whole, id: string) => pictures.get(id) ?? whole);
}
