import { lookup as resolve } from "node:dns";
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net";

/**
 * Addresses that lead into our own network or nowhere: those IANA registers as not globally reachable (RFC 6890), multicast, and the address at
 * which Azure serves its machines' credentials. AWS, Google, Oracle and Alibaba serve theirs within these ranges.
 */
const INTERNAL_RANGES = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"],
  ...["192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
  "168.63.129.16/32",
  ...[
    "::/96",
    "64:ff9b:1::/48",
    // IPv4 addresses as a stateless translator writes them (RFC 2765).
    "::ffff:0:0:0/96",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/9",
    "ff00::/8",
  ],
];

/** Which addresses a connection may go to. */
export interface AddressFilter {
  allows(address: string): boolean;
  /** For net.connect and tls.connect, which use it for names and not for addresses. What it returns is dialled; the name is not resolved again. */
  lookup: LookupFunction;
}

/** No connection was made, so nothing was sent. */
export class AddressNotAllowedError extends Error {
  readonly code = "ERR_ADDRESS_NOT_ALLOWED";
}

/** Whether it is an address, or a range as address/prefix. */
export function isAddressRange(text: string): boolean {
  const [, address = "", prefix = "0"] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128);
}

/**
 * Allows public addresses, and of the others those that are listed. A host name may come from outside, as in a push URL, and its DNS answer may be
 * forged: so the address that it resolves to is checked when it is dialled.
 * @param allowed as isAddressRange checks them
 */
export function createAddressFilter(allowed: readonly string[]): AddressFilter {
  const [internal, listed] = [blockList(INTERNAL_RANGES), blockList(allowed)];
  const allows = (address: string) => {
    const plain = plainAddress(address);
    const family = isIPv6(plain) ? "ipv6" : "ipv4";
    return isIP(plain) !== 0 && (listed.check(plain, family) || !internal.check(plain, family));
  };
  return {
    allows,
    lookup(hostname, options, callback) {
      resolve(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, "", 0);
        const callable = addresses.filter(({ address }) => allows(address));
        const [first] = callable;
        if (first === undefined) return callback(new AddressNotAllowedError("the name resolves to no address that may be called"), "", 0);
        if (options.all) callback(null, callable);
        else callback(null, first.address, first.family);
      });
    },
  };
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const plain = prefix === undefined ? plainAddress(address) : address;
    const family = isIPv6(plain) ? "ipv6" : "ipv4";
    list.addSubnet(plain, prefix === undefined ? (family === "ipv6" ? 128 : 32) : Number(prefix), family);
  }
  return list;
}

/** IPv6 prefixes of 96 bits that stand for the IPv4 address in the last 32: mapped addresses, and NAT64 (RFC 6052). */
const EMBEDDING = ["0:0:0:0:0:ffff", "64:ff9b:0:0:0:0"];

/** The IPv4 address where an IPv6 one stands for it, without a zone. */
function plainAddress(address: string): string {
  const [bare = ""] = address.split("%");
  if (!isIPv6(bare)) return bare;
  const [head = "", tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const zeros = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(tail === undefined ? 0 : zeros).fill("0"), ...groups(tail)];
  if (!EMBEDDING.includes(all.slice(0, 6).join(":"))) return bare;
  return all
    .slice(6)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
    .join(".");
}
