/** host:port as it stands in URLs and addresses to dial, with an IPv6 address in brackets. @param host a name, or an address without brackets */
export const hostPortText = (host: string, port: number | string) => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** Wildcard addresses, which a server can listen on and nobody can call, with the address by which the same machine reaches that server. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** The host:port at which a server that listens on `host` can be called from the same machine. @param host as hostPortText() takes it */
export const reachable = (host: string, port: number) => hostPortText(LOOPBACK_OF[host] ?? host, port);
