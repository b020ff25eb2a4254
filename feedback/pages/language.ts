import type { RequestHead } from "../../runtime/http/server.ts";

/** In which the pages are written. */
export const LANGUAGES = ["en", "ko"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Tags of a header beyond these are not read. */
const TAGS_MAX = 20;

/** The language asked for, else the person's own, else the first of the browser's that there is. BCP 47 tags. */
export function languageOf({
  asked,
  locale,
  accepted = "",
}: {
  asked?: string | null;
  locale?: string | undefined;
  accepted?: string | undefined;
}): Language {
  return known(asked) ?? known(locale) ?? acceptedOf(accepted) ?? "en";
}

/** The language of a request. @param locale of the person, if it is known */
export const languageOfRequest = ({ query, headers }: Pick<RequestHead, "query" | "headers">, locale?: string): Language =>
  languageOf({ asked: query.get("lang"), locale, accepted: headers["accept-language"] });

const known = (tag: string | null | undefined): Language | undefined => {
  const language = tag?.split("-")[0]?.toLowerCase();
  return LANGUAGES.find((one) => one === language);
};

/** RFC 9110, section 12.5.4. */
function acceptedOf(header: string): Language | undefined {
  const ranges = header.split(",", TAGS_MAX).map((range) => {
    const [tag = "", ...parameters] = range.split(";").map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    return { tag, weight: weight === undefined ? 1 : Number(weight) };
  });
  const wanted = ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  return wanted.map(({ tag }) => known(tag)).find((language) => language !== undefined);
}

/** What people read in their language; undefined where there is nothing to read. @param texts by BCP 47 tag */
export function inLanguage<Text>(texts: Readonly<Record<string, Text>>, language: Language): Text | undefined {
  const entries = Object.entries(texts);
  const of = (wanted: string) =>
    entries.find(([tag]) => tag.toLowerCase() === wanted) ?? entries.find(([tag]) => tag.toLowerCase().startsWith(`${wanted}-`));
  return (of(language) ?? of("en") ?? entries[0])?.[1];
}

/** For example "Orders, Security and News". */
export const listOf = (language: Language, items: readonly string[]): string => new Intl.ListFormat(language).format(items);
