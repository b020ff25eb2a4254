import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseJson } from "../../sandbox/kit/read.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../sandbox/main.ts";

/** Plain HTTP clients for tests: they test the wire format without an SDK. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  text: string;
  json: unknown;
}

export interface RawRequest {
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
  body?: string | Buffer | undefined;
}

/** Default deadline, in ms; a test that expects no answer passes its own. */
const DEADLINE_MS = 60_000;

/** A sandbox in a directory of its own; both are removed after the test. */
export async function startTestSandbox(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "carillon-sandbox-")));
  await using stack = new AsyncDisposableStack();
  if (options.directory === undefined) stack.defer(() => rm(directory, { recursive: true, force: true }));
  const sandbox = stack.use(await startSandbox({ ...options, directory }));
  const running = stack.move();
  return { ...sandbox, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** The variable's value; the file's content where it names one. */
export function envOf(sandbox: Sandbox, name: string): string {
  const value = sandbox.env[name];
  if (value === undefined) throw new Error(`the sandbox gives no ${name}`);
  return name.endsWith("_FILE") ? readFileSync(value, "utf8") : value;
}

/** One HTTP/1.1 request on a connection of its own. Rejects with Node's error where the connection breaks. */
export function http1(
  sandbox: Sandbox,
  url: string,
  { method = "POST", headers, body }: RawRequest = {},
  waitMs = DEADLINE_MS,
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const options = { method, headers, agent: false as const, signal: AbortSignal.timeout(waitMs) };
  const request = url.startsWith("https:")
    ? httpsRequest(url, { ...options, ca: envOf(sandbox, "PROVIDER_CA_FILE") })
    : httpRequest(url, options);
  request.on("error", reject);
  request.on("response", async (response) => {
    let text = "";
    for await (const chunk of response) text += chunk;
    const entries = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
    resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(entries), text, json: parseJson(text) });
  });
  request.end(body);
  return promise;
}

/** An HTTP/2 connection that is destroyed on disposal. */
export function openHttp2(sandbox: Sandbox, origin: string): { session: ClientHttp2Session } & Disposable {
  const session = connect(origin, { ca: envOf(sandbox, "PROVIDER_CA_FILE") });
  session.on("error", () => undefined);
  return { session, [Symbol.dispose]: () => session.destroy() };
}

/** One HTTP/2 request. Rejects with Node's error where the stream or the connection breaks. */
export function http2(
  session: ClientHttp2Session,
  path: string,
  { method = "POST", headers, body }: RawRequest = {},
  waitMs = DEADLINE_MS,
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const stream = session.request({ ":method": method, ":path": path, ...headers }, { signal: AbortSignal.timeout(waitMs) });
  let answer: Record<string, string> | undefined;
  let text = "";
  stream.on("response", (received) => {
    answer = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, String(value)]));
  });
  stream.on("data", (chunk) => {
    text += chunk;
  });
  stream.on("error", reject);
  stream.on("close", () =>
    answer === undefined
      ? reject(new Error(`stream closed with code ${stream.rstCode} before an answer`))
      : resolve({ status: Number(answer[":status"]), headers: answer, text, json: parseJson(text) }),
  );
  stream.end(body);
  return promise;
}

/** A compact JWS, ES256 or RS256 by the key's kind. */
export function signJwt(pem: string, header: Record<string, unknown>, claims: Record<string, unknown>): string {
  const key = createPrivateKey(pem);
  const isEc = key.asymmetricKeyType === "ec";
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: isEc ? "ES256" : "RS256", ...header })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), isEc ? { key, dsaEncoding: "ieee-p1363" } : key);
  return `${signed}.${signature.toString("base64url")}`;
}

export const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
export const nowSeconds = () => Math.floor(Date.now() / 1_000);

/** Ids as Carillon makes them. */
export const DELIVERY = "0123456789abcdef0123456789abcdef-0";
export const ATTEMPT = `${DELIVERY}/1`;
