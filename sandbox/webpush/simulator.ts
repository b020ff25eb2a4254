import { randomBytes } from "node:crypto";
import type { Once } from "../kit/once.ts";
import { fieldsOf, parseJson, textOf } from "../kit/read.ts";
import { type HttpSimulator, type Judgement, jsonAnswer, type Sent, type WireRequest } from "../kit/simulator.ts";
import { declarativeMistake } from "./declarative.ts";
import { decryptBody, type Subscriber } from "./subscription.ts";
import { createVapidCheck } from "./vapid.ts";

/** RFC 8030 and Mozilla's autopush: "Error Codes". */
const BODY_BYTES_MAX = 4_096;
const TTL_LONGEST_S = 2_592_000;

interface Rejection {
  status: number;
  errno: number;
  error: string;
  message: string;
  headers?: Record<string, string> | undefined;
}
const reject = (status: number, errno: number, error: string, message: string): Rejection => ({ status, errno, error, message });

export interface WebPushParts {
  subscriber: (name: string) => Subscriber;
  vapidPublicKey: string;
  origin: () => string;
  once: Once;
  now: () => number;
}

export const isSubscriptionName = (name: string) => /^[A-Za-z0-9_-]{1,100}$/.test(name);

export function createWebPush({ subscriber, vapidPublicKey, origin, once, now }: WebPushParts): HttpSimulator {
  const checkVapid = createVapidCheck(vapidPublicKey, now);
  const nameIn = (request: WireRequest) => {
    const name = /^\/wpush\/([^/]+)$/.exec(request.path)?.[1] ?? "";
    return isSubscriptionName(name) ? name : "";
  };

  function rejectionOf(request: WireRequest, sent: Sent): Rejection | undefined {
    const { headers, body } = request;
    const name = nameIn(request);
    if (name === "") return reject(404, 102, "Not Found", "Invalid URL endpoint");
    if (request.method !== "POST") return reject(405, 999, "Method Not Allowed", "Method not allowed");
    if (headers.ttl === undefined) return reject(400, 111, "Bad Request", "Missing TTL header");
    if (!/^\d{1,10}$/.test(headers.ttl)) return reject(400, 112, "Bad Request", "Invalid TTL header");
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(headers.topic ?? "x")) return reject(400, 113, "Bad Request", "Invalid Topic header");
    if (!["very-low", "low", "normal", "high"].includes(headers.urgency ?? "normal"))
      return reject(400, 110, "Bad Request", "Invalid Urgency header");
    const vapidFault = checkVapid(headers.authorization, origin());
    if (vapidFault?.kind === "missing") return reject(401, 109, "Unauthorized", "Missing or invalid VAPID authorization");
    if (vapidFault !== undefined) return reject(403, 109, "Forbidden", vapidFault.detail);
    if (body.length > BODY_BYTES_MAX) return reject(413, 104, "Payload Too Large", "Data payload is too large");
    if (body.length > 0 && headers["content-encoding"] !== "aes128gcm") return reject(400, 110, "Bad Request", "Unknown Content-Encoding");
    // A real push service cannot read the body. The sandbox also plays the browser, and rejects at once what a browser would drop.
    if (body.length > 0 && sent.payload === undefined) return reject(400, 110, "Bad Request", decryptFault(request));
    const mistake = declarativeMistake(sent.payload);
    if (mistake !== undefined) return reject(400, 110, "Bad Request", mistake);
    return nameRejection(name, sent.deliveryId, once);
  }

  const decrypted = (request: WireRequest) => decryptBody(subscriber(nameIn(request)), request.body);
  const decryptFault = (request: WireRequest) => {
    const result = decrypted(request);
    return "fault" in result ? result.fault : "not JSON";
  };

  return {
    bodyBytesMax: 65_536,
    read(request) {
      const name = nameIn(request);
      const recipient = name === "" ? "" : `${origin()}/wpush/${name}`;
      const result = name === "" || request.body.length === 0 ? undefined : decrypted(request);
      const payload = result !== undefined && "text" in result ? parseJson(result.text) : undefined;
      const ids = fieldsOf(fieldsOf(payload).carillon);
      return { deliveryId: textOf(ids.delivery), attemptId: textOf(ids.attempt), recipient, payload };
    },
    judge(request, sent): Judgement {
      const rejection = rejectionOf(request, sent);
      if (rejection !== undefined) {
        const { status: code, headers, ...rest } = rejection;
        const body = { code, ...rest, more_info: "http://autopush.readthedocs.io/en/latest/http.html#error-codes" };
        return { accepted: false, code: `${code} errno ${rejection.errno}`, answer: jsonAnswer(code, body, headers) };
      }
      const id = randomBytes(18).toString("base64url");
      const headers = { location: `${origin()}/m/${id}`, ttl: String(Math.min(Number(request.headers.ttl), TTL_LONGEST_S)) };
      return { accepted: true, code: "201", answer: jsonAnswer(201, { "message-id": id }, headers) };
    },
  };
}

/** Subscriptions whose name selects an answer; see README.md. */
function nameRejection(name: string, deliveryId: string, once: Once): Rejection | undefined {
  const isFirst = () => once(`webpush ${name} ${deliveryId}`);
  if (name.startsWith("gone-")) return reject(410, 106, "Gone", "Request did not validate, the subscription has been deleted");
  if (name.startsWith("unknown-")) return reject(404, 102, "Not Found", "Invalid URL endpoint");
  if (name.startsWith("oldkey-")) return reject(403, 109, "Forbidden", "The VAPID key does not match the subscription");
  if (name.startsWith("throttled-") && isFirst())
    return { ...reject(429, 999, "Too Many Requests", "Too many requests"), headers: { "retry-after": "1" } };
  if (name.startsWith("flaky-") && isFirst()) return reject(503, 201, "Service Unavailable", "Use exponential back-off for retries");
  return undefined;
}
