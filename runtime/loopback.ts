/** Whether a host is this machine, so that what is sent to it crosses no network. */
export const isLoopback = (host: string) => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);

/** The host of host:port, [address]:port or dns:///name:port. */
export const hostOf = (address: string) => address.replace(/^dns:\/*/, "").replace(/:\d+$/, "");
