// Makes one request over and over through undici alone: what a send over HTTP/1.1 costs at least.
import { readFileSync } from "node:fs";
import { Pool } from "undici";
import { answering } from "../answering.ts";
import { keepInFlight } from "../keep-in-flight.ts";
import type { StubRequest } from "./provider-stub.ts";

/** Headers that undici writes itself. */
const OWN = new Set(["host", "connection", "content-length"]);

const [origin = "", caFile = "", requestJson = ""] = process.argv.slice(2);
const { method, path, headers: pairs, body: base64 } = JSON.parse(requestJson) as StubRequest;
const headers = Object.fromEntries(pairs.filter(([name]) => !OWN.has(name)));
const body = Buffer.from(base64, "base64").toString();
const pool = new Pool(origin, { connections: 128, pipelining: 1, allowH2: false, connect: { ca: readFileSync(caFile) } });

/** By dispatch(), which is the cheapest way: request() makes two streams for each call. */
function send(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let status = 0;
  pool.dispatch(
    { path, method: method as "POST", headers, body },
    {
      onRequestStart() {},
      onResponseStart(_, code) {
        status = code;
      },
      onResponseData() {},
      onResponseEnd: () => (status < 300 ? resolve() : reject(new Error(`answered ${status}`))),
      onResponseError: (_, error) => reject(error),
    },
  );
  return promise;
}

answering(async ({ sends }: { sends: number }) => ({ ms: await keepInFlight(sends, () => send) }));
