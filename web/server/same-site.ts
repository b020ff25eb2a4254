export interface SameSiteHeaders {
  host?: string | undefined;
  origin?: string | undefined;
}

/**
 * Why a request may come from a page of another site; undefined where it does not. A page elsewhere reaches a loopback port through a name that it has
 * resolve to it (DNS rebinding): then Host is that name. Or it posts there: then Origin is its own. Programs send no Origin, and may use any address of
 * this machine, which no page can have as its name.
 * @param names host names of this server, beside localhost
 */
export function foreignMistake({ host = "", origin }: SameSiteHeaders, names: readonly string[]): string | undefined {
  const name = hostnameOf(`http://${host}`);
  if (name === undefined || !(name === "localhost" || ADDRESS.test(name) || names.includes(name)))
    return "the Host header names another server";
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === new URL(`http://${host}`).host))
    return "the Origin header names another site";
  return undefined;
}

/** As a URL's host name writes every address, of IPv4 and IPv6. */
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/;

const hostnameOf = (url: string) => (URL.canParse(url) ? new URL(url).hostname : undefined);
