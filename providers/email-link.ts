import type { EmailContent } from "../core/content/email-content.ts";
import { UNSUBSCRIBE_MARKER } from "../core/content/email-unsubscribe.ts";
import { bodyEnd, escapeHtml } from "./email-html.ts";

export interface Bodies {
  html: string;
  text: string;
}

const WORDS = { en: "Unsubscribe", ko: "수신 거부" } as const;
type Language = keyof typeof WORDS;

/**
 * Bodies with the recipient's own link to unsubscribe: at the marker, else as the last line.
 * @param email what they are made of: its language, and where its html ends, are found once
 * @param url undefined: there is no link
 */
export function withUnsubscribeLink({ html, text }: Bodies, email: EmailContent, url: string | undefined): Bodies {
  if (url === undefined) return { html, text };
  const place = placeOf(html, email);
  return {
    html: html === "" ? "" : place.isMarked ? html.replaceAll(UNSUBSCRIBE_MARKER, () => escapeHtml(url)) : inserted(html, place, url),
    // A text that was made of html has the marker, too.
    text: text.includes(UNSUBSCRIBE_MARKER)
      ? text.replaceAll(UNSUBSCRIBE_MARKER, () => url)
      : withLine(text, `${WORDS[place.language]}: ${url}`),
  };
}

interface Place {
  isMarked: boolean;
  /** Where the body ends. */
  end: number;
  language: Language;
}
/** Of contents in use, as the bodies are. */
const places = new WeakMap<EmailContent, Place>();

function placeOf(html: string, email: EmailContent): Place {
  const known = places.get(email);
  if (known !== undefined) return known;
  const isMarked = html.includes(UNSUBSCRIBE_MARKER);
  const place = { isMarked, end: isMarked ? 0 : bodyEnd(html), language: languageOf(email) };
  places.set(email, place);
  return place;
}

/** The tag <html> stands at the beginning: no more of what may be half a megabyte is searched for it. */
const HEAD_CHARS = 2_048;

/** What the html says of itself, else by the letters of the subject. */
function languageOf({ html, subject }: EmailContent): Language {
  const stated = /<html\b[^>]*?\slang\s*=\s*["']?([a-z]+)/i.exec(html.slice(0, HEAD_CHARS))?.[1]?.toLowerCase();
  if (stated !== undefined) return stated === "ko" ? "ko" : "en";
  return /\p{Script=Hangul}/u.test(subject) ? "ko" : "en";
}

function inserted(html: string, { end, language }: Place, url: string): string {
  // Grey on white has 7.5:1. Mail programs read styles of elements, and few read style sheets.
  const style = "color:#555555;font-family:Arial,sans-serif;font-size:13px;line-height:20px";
  const link = `<a href="${escapeHtml(url)}" style="${style};text-decoration:underline">${WORDS[language]}</a>`;
  return `${html.slice(0, end)}<div style="${style};margin:24px 0 8px;text-align:center">${link}</div>${html.slice(end)}`;
}

const withLine = (text: string, line: string): string => (text === "" ? "" : `${text.trimEnd()}\n\n${line}\n`);
