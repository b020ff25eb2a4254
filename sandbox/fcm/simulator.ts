import { randomBytes } from "node:crypto";
import type { Once } from "../kit/once.ts";
import { type Fields, fieldsOf, isFields, parseBearer, parseJson, textOf } from "../kit/read.ts";
import { type HttpSimulator, type Judgement, jsonAnswer, type Sent, type WireRequest } from "../kit/simulator.ts";
import type { OAuth, ServiceAccount } from "./oauth.ts";

export interface FcmAccount extends ServiceAccount {
  projectId: string;
}

/** Google: "FCM HTTP v1 API, REST Resource: projects.messages" and "ErrorCode". */
const PAYLOAD_BYTES_MAX = 4_096;
const TTL_LONGEST_S = 2_419_200;
const TARGETS = ["token", "topic", "condition", "fid"];

interface Rejection {
  status: number;
  state: string;
  message: string;
  /** For FcmError; absent where the error is not one of FCM itself. */
  errorCode?: string | undefined;
  /** For BadRequest. */
  field?: string | undefined;
  headers?: Record<string, string> | undefined;
}

const invalid = (field: string, message: string): Rejection => ({
  status: 400,
  state: "INVALID_ARGUMENT",
  message,
  errorCode: "INVALID_ARGUMENT",
  field,
});

export function createFcm(parts: { oauth: OAuth<FcmAccount>; once: Once; tokenUrl: () => string }): HttpSimulator {
  const { oauth, once, tokenUrl } = parts;
  const projectIn = ({ path }: WireRequest) => /^\/v1\/projects\/([^/]+)\/messages:send$/.exec(path)?.[1];

  function rejectionOf(request: WireRequest, sent: Sent): Rejection | undefined {
    const project = projectIn(request);
    if (request.method !== "POST" || project === undefined)
      return { status: 404, state: "NOT_FOUND", message: "Requested entity was not found." };
    const owner = oauth.ownerOf(parseBearer(request.headers.authorization) ?? "");
    if (owner === undefined)
      return {
        status: 401,
        state: "UNAUTHENTICATED",
        message:
          "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
      };
    if (project !== owner.projectId)
      return { status: 404, state: "NOT_FOUND", message: `Project not found or deleted: ${project.slice(0, 64)}` };
    return messageRejection(fieldsOf(parseJson(request.body)).message) ?? tokenRejection(sent, once);
  }

  return {
    bodyBytesMax: 65_536,
    sideRequest: (request) =>
      request.method === "POST" && request.path === "/token"
        ? { faultTarget: "oauth", answer: () => oauth.exchange(request, tokenUrl()) }
        : undefined,
    read(request) {
      const payload = parseJson(request.body);
      const message = fieldsOf(fieldsOf(payload).message);
      const data = fieldsOf(message.data);
      return {
        deliveryId: textOf(data.carillon_delivery),
        attemptId: textOf(data.carillon_attempt),
        recipient: textOf(TARGETS.map((target) => message[target]).find((target) => target !== undefined)),
        account: projectIn(request),
        payload,
      };
    },
    judge(request, sent): Judgement {
      const rejection = rejectionOf(request, sent);
      if (rejection !== undefined) {
        const { status, headers, errorCode, state } = rejection;
        return { accepted: false, code: `${status} ${errorCode ?? state}`, answer: jsonAnswer(status, errorBody(rejection), headers) };
      }
      const isValidation = fieldsOf(sent.payload).validate_only === true;
      const id = isValidation ? "fake_message_id" : `0:${Date.now()}%${randomBytes(8).toString("hex")}`;
      return {
        accepted: !isValidation,
        code: isValidation ? "200 validated" : "200",
        answer: jsonAnswer(200, { name: `projects/${projectIn(request)}/messages/${id}` }),
      };
    },
  };
}

function errorBody({ status, state, message, errorCode, field }: Rejection) {
  const details: unknown[] = [];
  if (errorCode !== undefined) details.push({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode });
  if (field !== undefined)
    details.push({ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field, description: message }] });
  return { error: { code: status, message, status: state, ...(details.length > 0 ? { details } : {}) } };
}

function messageRejection(message: unknown): Rejection | undefined {
  if (!isFields(message)) return invalid("message", "Request contains an invalid argument.");
  const targets = TARGETS.filter((target) => message[target] !== undefined);
  if (targets.length !== 1 || textOf(message[targets[0] ?? ""]) === "")
    return invalid("message", "Exactly one of token, topic or condition must be specified");
  const data = message.data ?? {};
  if (!isFields(data)) return invalid("message.data", "Invalid value at 'message.data'");
  for (const [key, value] of Object.entries(data)) {
    if (typeof value !== "string") return invalid(`message.data[${key}]`, `Invalid value at 'message.data[${key}].value' (TYPE_STRING)`);
    if (/^(from$|message_type$|gcm|google)/.test(key)) return invalid("message.data", `Invalid data payload key: ${key}`);
  }
  if (payloadBytes(message, data) > PAYLOAD_BYTES_MAX) return invalid("message", "Android message is too big");
  return androidRejection(fieldsOf(message.android));
}

function androidRejection({ ttl, priority }: Fields): Rejection | undefined {
  if (ttl !== undefined && !(/^\d+(\.\d{1,9})?s$/.test(textOf(ttl)) && Number.parseFloat(textOf(ttl)) <= TTL_LONGEST_S))
    return invalid("message.android.ttl", "Invalid ttl: must be a duration from 0s to 2419200s");
  if (priority !== undefined && !["NORMAL", "HIGH", "normal", "high"].includes(textOf(priority)))
    return invalid("message.android.priority", "Invalid value at 'message.android.priority'");
  return undefined;
}

/** Keys and values of data and of the notification, as FCM counts them. */
function payloadBytes(message: Fields, data: Fields): number {
  const parts = [data, fieldsOf(message.notification)].flatMap((fields) => Object.entries(fields).flat());
  return parts.reduce<number>((sum, part) => sum + Buffer.byteLength(textOf(part)), 0);
}

/** Registration tokens whose text selects an answer; see README.md. */
function tokenRejection({ recipient, deliveryId }: Sent, once: Once): Rejection | undefined {
  const isFirst = () => once(`fcm ${recipient} ${deliveryId}`);
  if (recipient.includes("unregistered"))
    return { status: 404, state: "NOT_FOUND", message: "Requested entity was not found.", errorCode: "UNREGISTERED" };
  if (recipient.includes("mismatch"))
    return { status: 403, state: "PERMISSION_DENIED", message: "SenderId mismatch", errorCode: "SENDER_ID_MISMATCH" };
  if (recipient.includes("invalid")) return invalid("message.token", "The registration token is not a valid FCM registration token");
  if (recipient.includes("flaky") && isFirst())
    return { status: 503, state: "UNAVAILABLE", message: "The service is currently unavailable.", errorCode: "UNAVAILABLE" };
  if (recipient.includes("quota") && isFirst())
    return {
      status: 429,
      state: "RESOURCE_EXHAUSTED",
      message: "Sending quota exceeded.",
      errorCode: "QUOTA_EXCEEDED",
      headers: { "retry-after": "1" },
    };
  return undefined;
}
