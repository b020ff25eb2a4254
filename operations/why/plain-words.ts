/** What REASON_WORDS says, without its Markdown. */
export const plainWords = (markdown: string): string => markdown.replace(/`|\[([^\]]*)\]\([^)]*\)/g, "$1");
