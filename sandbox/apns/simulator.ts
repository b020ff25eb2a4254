import { randomUUID } from "node:crypto";
import type { Once } from "../kit/once.ts";
import { fieldsOf, isFields, parseJson, textOf } from "../kit/read.ts";
import { type HttpSimulator, type Judgement, jsonAnswer, type Sent, type WireRequest } from "../kit/simulator.ts";
import { payloadMistake } from "./fields.ts";
import { type ApnsTokenKey, createApnsTokens, teamOf } from "./token.ts";

export interface ApnsAccount extends ApnsTokenKey {
  /** The bundle ids of its apps. */
  topics: readonly string[];
  /** SHA-256 of each client certificate that was issued for it. */
  certificates: ReadonlySet<string>;
}

export type Environment = "production" | "development";

/** Apple: "Sending notification requests to APNs" and "Handling notification responses from APNs". */
const PAYLOAD_BYTES_MAX = 4_096;
const VOIP_PAYLOAD_BYTES_MAX = 5_120;
const COLLAPSE_ID_BYTES_MAX = 64;
/** HTTP/2 streams per connection, before and after a valid provider token was seen. */
export const STREAMS_BEFORE_TOKEN = 1;
const STREAMS_AFTER_TOKEN = 1_000;

const TOPIC_SUFFIX: Record<string, string> = {
  alert: "",
  background: "",
  mdm: "",
  voip: ".voip",
  complication: ".complication",
  fileprovider: ".pushkit.fileprovider",
  location: ".location-query",
  pushtotalk: ".voip-ptt",
  liveactivity: ".push-type.liveactivity",
  controls: ".push-type.controls",
  widgets: ".push-type.widgets",
};

interface Rejection {
  status: number;
  reason: string;
  timestamp?: number;
  /** For the ledger: what of the payload is wrong. */
  detail?: string;
}
const reject = (status: number, reason: string): Rejection => ({ status, reason });

export function createApns(parts: {
  accounts: () => readonly ApnsAccount[];
  environment: Environment;
  once: Once;
  now: () => number;
}): HttpSimulator {
  const { accounts, environment, once, now } = parts;
  const checkToken = createApnsTokens(accounts, now);

  /** By the connection's certificate where it has one, and no token beside it; else by the request's token. */
  function senderOf({ headers, connection }: WireRequest): { account: ApnsAccount } | { rejection: Rejection } {
    const certificate = connection.clientCertificate();
    if (certificate === undefined || headers.authorization !== undefined) return checkToken(headers.authorization);
    const account = accountWith(certificate);
    return account ? { account } : { rejection: reject(403, "BadCertificate") };
  }

  const accountWith = (certificate = "") => accounts().find(({ certificates }) => certificates.has(certificate));
  const accountName = ({ headers, connection }: WireRequest) =>
    `${teamOf(headers.authorization) || (accountWith(connection.clientCertificate())?.teamId ?? "")} ${environment}`;

  function rejectionOf(request: WireRequest, sent: Sent): Rejection | undefined {
    if (request.method !== "POST") return reject(405, "MethodNotAllowed");
    if (!request.path.startsWith("/3/device")) return reject(404, "BadPath");
    const sender = senderOf(request);
    if ("rejection" in sender) return sender.rejection;
    request.connection.allowStreams(STREAMS_AFTER_TOKEN);
    return (
      topicRejection(request.headers, sender.account.topics) ??
      headerRejection(request) ??
      payloadRejection(request) ??
      deviceRejection(sent, { pushType: request.headers["apns-push-type"] ?? "alert", environment, once, now })
    );
  }

  return {
    bodyBytesMax: 65_536,
    read(request) {
      const payload = parseJson(request.body);
      const ids = fieldsOf(fieldsOf(payload).carillon);
      return {
        deliveryId: textOf(ids.delivery),
        attemptId: textOf(ids.attempt),
        recipient: /^\/3\/device\/([^/]+)$/.exec(request.path)?.[1] ?? "",
        account: accountName(request),
        payload,
      };
    },
    judge(request, sent): Judgement {
      const id = request.headers["apns-id"] ?? randomUUID();
      const rejection = rejectionOf(request, sent);
      if (rejection === undefined)
        return { accepted: true, code: "200", answer: { status: 200, headers: { "apns-id": id, "apns-unique-id": randomUUID() } } };
      const { status, detail, ...body } = rejection;
      const code = detail === undefined ? `${status} ${body.reason}` : `${status} ${body.reason}: ${detail}`;
      return { accepted: false, code, answer: jsonAnswer(status, body, { "apns-id": id }) };
    },
  };
}

function topicRejection(headers: WireRequest["headers"], topics: readonly string[]): Rejection | undefined {
  const topic = headers["apns-topic"];
  if (topic === undefined || topic === "") return reject(400, "MissingTopic");
  if (!/^[\w.-]{1,255}$/.test(topic)) return reject(400, "BadTopic");
  const suffix = TOPIC_SUFFIX[headers["apns-push-type"] ?? "alert"];
  // The next check rejects an unknown push type.
  return suffix === undefined || topics.some((own) => topic === own + suffix) ? undefined : reject(400, "TopicDisallowed");
}

function headerRejection({ headers, headerNames }: WireRequest): Rejection | undefined {
  const own = headerNames.filter((name) => name.startsWith("apns-") || name === "authorization");
  if (new Set(own).size < own.length) return reject(400, "DuplicateHeaders");
  const pushType = headers["apns-push-type"] ?? "alert";
  if (!(pushType in TOPIC_SUFFIX)) return reject(400, "InvalidPushType");
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(headers["apns-id"] ?? randomUUID())) return reject(400, "BadMessageId");
  if (!/^\d{1,10}$/.test(headers["apns-expiration"] ?? "0")) return reject(400, "BadExpirationDate");
  const priority = headers["apns-priority"] ?? "10";
  if (!["10", "5", "1"].includes(priority) || (pushType === "background" && priority === "10")) return reject(400, "BadPriority");
  if (Buffer.byteLength(headers["apns-collapse-id"] ?? "") > COLLAPSE_ID_BYTES_MAX) return reject(400, "BadCollapseId");
  return undefined;
}

function payloadRejection({ body, headers }: WireRequest): Rejection | undefined {
  if (body.length === 0) return reject(400, "PayloadEmpty");
  const limit = headers["apns-push-type"] === "voip" ? VOIP_PAYLOAD_BYTES_MAX : PAYLOAD_BYTES_MAX;
  if (body.length > limit) return reject(413, "PayloadTooLarge");
  const payload = parseJson(body);
  // Apple documents no reason for a body that is not a JSON object; this one is the closest. APNs passes on an aps dictionary that is wrong,
  // and the device drops it or part of it without a word: the sandbox also plays the device.
  const detail = isFields(payload) ? payloadMistake(headers["apns-push-type"] ?? "alert", payload) : "the body is no JSON object";
  return detail === undefined ? undefined : { ...reject(400, "PayloadEmpty"), detail };
}

/** What tokens of PushKit and of Live Activities end in, and what each takes; every other token takes the other push types. */
const TAKEN_BY: Record<string, (pushType: string, event: unknown) => boolean> = {
  c0c2: (pushType) => pushType === "voip",
  c0c3: (pushType, event) => pushType === "liveactivity" && event !== "start",
  c0c4: (pushType, event) => pushType === "liveactivity" && event === "start",
};
const takenByOthers = (pushType: string) => pushType !== "voip" && pushType !== "liveactivity";

interface DeviceState {
  pushType: string;
  environment: Environment;
  once: Once;
  now: () => number;
}

/** Device tokens whose suffix selects an answer; see README.md. */
function deviceRejection(sent: Sent, { pushType, environment, once, now }: DeviceState): Rejection | undefined {
  const { recipient, deliveryId } = sent;
  if (recipient === "") return reject(400, "MissingDeviceToken");
  const token = recipient.toLowerCase();
  if (!/^([0-9a-f]{2}){8,100}$/.test(token) || token.endsWith("bad0")) return reject(400, "BadDeviceToken");
  // As a token of the other environment is answered.
  if (token.endsWith("d0d0") !== (environment === "development")) return reject(400, "BadDeviceToken");
  if (token.endsWith("bad1")) return reject(400, "DeviceTokenNotForTopic");
  const takes = TAKEN_BY[token.slice(-4)] ?? takenByOthers;
  if (!takes(pushType, fieldsOf(fieldsOf(sent.payload).aps).event)) return reject(400, "DeviceTokenNotForTopic");
  if (token.endsWith("dead")) return { status: 410, reason: "Unregistered", timestamp: now() };
  if (token.endsWith("dead01")) return { status: 410, reason: "ExpiredToken", timestamp: now() };
  if (token.endsWith("bad0429") && once(`apns ${token} ${deliveryId}`)) return reject(429, "TooManyRequests");
  if (token.endsWith("0503") && once(`apns ${token} ${deliveryId}`)) return reject(503, "ServiceUnavailable");
  return undefined;
}
