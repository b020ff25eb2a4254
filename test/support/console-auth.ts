// The console's sign-in on a real port, and a browser that keeps cookies and follows nothing by itself.
import { createServer } from "node:http";
import { createAuth } from "../../console/auth/auth.ts";
import { authVariables } from "../../console/auth/config.ts";
import type { SessionRoute } from "../../console/auth/protect.ts";
import { createReferences } from "../../console/auth/references.ts";
import { readConfig } from "../../runtime/config.ts";
import { close, listen } from "../../runtime/http/listen.ts";
import { type Route, startHttpServer } from "../../runtime/http/server.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createClientFiles } from "../../web/server/client-files.ts";
import { createFakeClock } from "./fake-clock.ts";

export const CLIENT_ID = "carillon-console";
export const CONSOLE_KEY = "a key of the console, of many characters";

const CHANGE: SessionRoute = {
  ...{ method: "POST", path: "/api/change", bodyBytesMax: 100 },
  handle: async () => ({ status: 200, body: "changed\n" }),
};
const HOME: Route = {
  ...{ method: "GET", path: "/" },
  handle: async () => ({
    status: 200,
    headers: { "content-type": "text/html" },
    body: "<!doctype html><title>Console</title><h1>Console</h1>",
  }),
};

export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, { host: "127.0.0.1", port: 0 });
  await close(server, 0);
  return port;
}

/** @param issuer its URL; absent: one-time links @param env over the usual variables */
export async function startConsole({
  issuer,
  env = {},
  keys = [CONSOLE_KEY],
  ...given
}: {
  issuer?: string;
  env?: Record<string, string>;
  keys?: string[];
  /** Absent: a free one. */
  port?: number;
}) {
  const lines: string[] = [];
  const links: string[] = [];
  const log = createLogger("console", "info", { write: (line) => void lines.push(line) });
  const clock = createFakeClock(Date.now());
  const port = given.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const oidc = {
    ...{ CONSOLE_URL: url, CONSOLE_OIDC_ISSUER: issuer ?? "", CONSOLE_OIDC_CLIENT_ID: CLIENT_ID },
    ...{ CONSOLE_OPERATORS: "sre", CONSOLE_SUPPORT: "help", CONSOLE_VIEWERS: "staff" },
  };
  const held = { keys };
  const auth = createAuth({
    ...{ config: readConfig(authVariables, { ...(issuer === undefined ? {} : oidc), ...env }), clock, log },
    ...{
      keysNow: () => held.keys,
      references: createReferences({ own: () => [], sessions: () => held.keys }),
      printLink: (path: string) => void links.push(path),
    },
    roles: { "GET /api/session": "viewer", "POST /api/change": "operator" },
  });
  const files = createClientFiles([]);
  const assets: Route = {
    ...{ method: "GET", path: "/web/*", isServed: (path) => files(path) !== undefined },
    handle: async ({ path }) => ({ status: 200, ...files(path)! }),
  };
  const routes = [HOME, assets, ...auth.routes, ...auth.protect([CHANGE])];
  const server = await startHttpServer({ host: "127.0.0.1", port, ready: () => true, log, drainMs: 100, routes });
  return { url, auth, clock, lines, links, held, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Cookies by name, as one host has them. */
export function createBrowser() {
  const cookies = new Map<string, string>();
  async function call(url: string, init: RequestInit = {}) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { connection: "close", ...(cookie === "" ? {} : { cookie }), ...(init.headers as Record<string, string>) };
    const answer = await fetch(url, { ...init, headers, redirect: "manual" });
    const lines = answer.headers.getSetCookie();
    for (const line of lines) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (line.includes("Max-Age=0")) cookies.delete(name);
      else cookies.set(name, value);
    }
    return {
      status: answer.status,
      location: answer.headers.get("location") ?? "",
      lines,
      headers: answer.headers,
      body: await answer.text(),
    };
  }
  const post = (url: string, headers: Record<string, string> = {}) =>
    call(url, { method: "POST", headers: { origin: new URL(url).origin, ...headers } });
  /** From the console's page to the issuer's and back; the URL that the issuer sends the browser to. */
  async function callbackUrl(url: string, path = "/login"): Promise<string> {
    const { location } = await call(`${url}${path}`);
    const answer = await fetch(location, { redirect: "manual" });
    return answer.headers.get("location") ?? "";
  }
  return { cookies, call, post, callbackUrl, signIn: async (url: string, path?: string) => call(await callbackUrl(url, path)) };
}
