/** What startWorld() takes for a second store beside `storeUrl`: another database of the same server, or "sqlite", which is a file of each world's own. */
export function otherDatabase(storeUrl: string, suffix: string): string {
  if (storeUrl === "sqlite") return storeUrl;
  const url = new URL(storeUrl);
  url.pathname += suffix;
  return url.href;
}
