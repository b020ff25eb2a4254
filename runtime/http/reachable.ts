/** Where who listens at `host` on `port` is reached from the same machine: 0.0.0.0 is every address, and none to call. */
export const reachable = (host: string, port: number) => `${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`;
