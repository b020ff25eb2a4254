import { randomBytes } from "node:crypto";
import type { Once } from "../kit/once.ts";
import { fieldsOf, isFields, parseBearer, parseJson, textOf } from "../kit/read.ts";
import { type HttpSimulator, type Judgement, jsonAnswer, type Sent, type WireRequest } from "../kit/simulator.ts";
import { parserViolations, type Violation } from "./fields.ts";
import type { OAuth, ServiceAccount } from "./oauth.ts";
import { messageViolation, TARGETS } from "./rules.ts";

export interface FcmAccount extends ServiceAccount {
  projectId: string;
}

/** Google: "FCM HTTP v1 API, REST Resource: projects.messages" and "ErrorCode". */
interface Rejection {
  status: number;
  state: string;
  message: string;
  /** For FcmError; absent where the error is not one of FCM itself. */
  errorCode?: string | undefined;
  /** For BadRequest. */
  violations?: readonly Violation[] | undefined;
  headers?: Record<string, string> | undefined;
}

/** Rejected by Google's JSON parser, which knows nothing of FCM's error codes. */
const malformed = (violations: readonly Violation[], message = violations.map(({ description }) => description).join("\n")): Rejection => ({
  status: 400,
  state: "INVALID_ARGUMENT",
  message,
  violations,
});
/** Rejected by FCM. */
const invalid = (violation: Violation): Rejection => ({ ...malformed([violation]), errorCode: "INVALID_ARGUMENT" });

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
    return messageRejection(sent.payload) ?? tokenRejection(sent, once);
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
      const { validate_only, validateOnly = validate_only } = fieldsOf(sent.payload);
      const isValidation = validateOnly === true;
      const id = isValidation ? "fake_message_id" : `0:${Date.now()}%${randomBytes(8).toString("hex")}`;
      return {
        accepted: !isValidation,
        code: isValidation ? "200 validated" : "200",
        answer: jsonAnswer(200, { name: `projects/${projectIn(request)}/messages/${id}` }),
      };
    },
  };
}

function messageRejection(body: unknown): Rejection | undefined {
  if (!isFields(body)) return malformed([], "Invalid JSON payload received. Unexpected token.");
  const malformations = parserViolations(body);
  if (malformations.length > 0) return malformed(malformations);
  const violation = messageViolation(body);
  return violation && invalid(violation);
}

function errorBody({ status, state, message, errorCode, violations = [] }: Rejection) {
  const details: unknown[] = [];
  if (errorCode !== undefined) details.push({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode });
  if (violations.length > 0) details.push({ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: violations });
  return { error: { code: status, message, status: state, ...(details.length > 0 ? { details } : {}) } };
}

/** Registration tokens and installation ids whose text selects an answer; see README.md. */
function tokenRejection({ recipient, deliveryId, payload }: Sent, once: Once): Rejection | undefined {
  const isFirst = () => once(`fcm ${recipient} ${deliveryId}`);
  if (recipient.includes("unregistered"))
    return { status: 404, state: "NOT_FOUND", message: "Requested entity was not found.", errorCode: "UNREGISTERED" };
  if (recipient.includes("mismatch"))
    return { status: 403, state: "PERMISSION_DENIED", message: "SenderId mismatch", errorCode: "SENDER_ID_MISMATCH" };
  if (recipient.includes("invalid"))
    return fieldsOf(fieldsOf(payload).message).fid === undefined
      ? invalid({ field: "message.token", description: "The registration token is not a valid FCM registration token" })
      : invalid({ field: "message.fid", description: "The installation id is not a valid Firebase installation id" });
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
