/** The address at which a server that listens on `host` can be called from the same machine: 0.0.0.0 listens on every address but cannot be called. */
export const reachable = (host: string, port: number) => `${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`;
