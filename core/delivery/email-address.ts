/** Octets of an address and of its part before the @ (RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.3, with erratum 1690). */
const ADDRESS_CHARS_MAX = 254;
const LOCAL_CHARS_MAX = 64;

/** The part before the @, as the HTML standard has it: https://html.spec.whatwg.org/#valid-e-mail-address. No quoting, which no provider takes. */
const LOCAL = /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+$/;
const DOMAIN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** A domain that may be converted to ASCII by a URL parser, to which any other ASCII character would mean something else. */
const CONVERTIBLE = /^(?:[a-zA-Z0-9.-]|[^\p{ASCII}\s])+$/u;

/**
 * The domain in lower case and in its ASCII form (RFC 5890), so that each mailbox has one spelling. The part before the @ stays as it is: it
 * belongs to the mailbox's server. An address that is none stays as it is.
 */
export function canonicalAddress(address: string): string {
  const at = address.lastIndexOf("@");
  const domain = at < 0 ? undefined : asciiDomain(address.slice(at + 1));
  return domain === undefined ? address : `${address.slice(0, at)}@${domain}`;
}

/** What is wrong with an address in words, after "must"; undefined where it is one mailbox. */
export function addressFault(address: string): string | undefined {
  const at = address.lastIndexOf("@");
  if (at < 0) return "be one e-mail address, with an @";
  if (at === 0) return "have something before the @";
  const [local, given] = [address.slice(0, at), address.slice(at + 1)];
  if (/[^\p{ASCII}]/u.test(local)) return "have only ASCII characters before the @";
  if (!LOCAL.test(local)) return "be one e-mail address, without a display name, quotes or spaces";
  if (local.length > LOCAL_CHARS_MAX) return `have at most ${LOCAL_CHARS_MAX} characters before the @`;
  const domain = asciiDomain(given);
  if (domain === undefined) return "have a domain after the @: labels of letters, digits and hyphens, with dots between them";
  if (local.length + 1 + domain.length > ADDRESS_CHARS_MAX)
    return `have at most ${ADDRESS_CHARS_MAX} characters, its domain counted in ASCII form`;
  return undefined;
}

/** Whether an item of a list of allowed senders is well formed: an address, or "@" and a domain, which does not include its subdomains. */
export const isAllowance = (item: string): boolean => addressFault(item.startsWith("@") ? `any${item}` : item) === undefined;

/** Whether a list of allowed senders includes this address. Case is ignored, also before the @, so that no spelling passes for another sender. */
export function isAllowedBy(allowances: readonly string[], address: string): boolean {
  const key = canonicalAddress(address).toLowerCase();
  return allowances.some((item) => {
    const allowed = canonicalAddress(item).toLowerCase();
    return item.startsWith("@") ? key.endsWith(allowed) : key === allowed;
  });
}

/** Undefined where it is no domain. What is ASCII already is put in lower case and nothing else: a URL would read 1.2.3 as an IPv4 address. */
function asciiDomain(domain: string): string | undefined {
  const isAscii = !/[^\p{ASCII}]/u.test(domain);
  if (!isAscii && !CONVERTIBLE.test(domain)) return undefined;
  const ascii = isAscii ? domain.toLowerCase() : URL.parse(`https://${domain}`)?.hostname;
  return ascii !== undefined && DOMAIN.test(ascii) ? ascii : undefined;
}
