import { randomBytes } from "node:crypto";
import type { Once } from "../kit/once.ts";
import { deliveryOf, type Fields, fieldsOf, listOf, parseBasic, parseJson, sameSecret, textOf } from "../kit/read.ts";
import { countSegments } from "../kit/segments.ts";
import { type HttpSimulator, type Judgement, jsonAnswer, type Sent, type WireAnswer, type WireRequest } from "../kit/simulator.ts";
import { type ParamFault, paramFault } from "./fields.ts";
import { createVonageReports } from "./reports.ts";

export interface VonageAccount {
  apiKey: string;
  apiSecret: string;
  signatureSecret: string;
  from: string;
}

/** Vonage: "Troubleshooting SMS". */
const ERROR_TEXT: Record<string, string> = {
  "1": "Throughput Rate Exceeded",
  "4": "Bad Credentials",
  "5": "Internal Error",
  "6": "Unroutable message - rejected",
  "7": "Number barred",
  "8": "Partner account barred",
  "9": "Partner quota violation",
  "10": "Too many existing binds",
  "15": "Invalid sender address",
  "29": "Non-Whitelisted Destination",
  "33": "Number De-activated",
};
/** Temporary errors: the next try succeeds. */
const TEMPORARY = ["1", "5", "10"];

const reject = (status: string, text = ERROR_TEXT[status] ?? "Error"): ParamFault => ({ status, text });

export function createVonage(parts: { credentials: VonageAccount; once: Once; now: () => number }): HttpSimulator {
  const { credentials, once, now } = parts;
  const reports = createVonageReports(credentials.apiKey);

  /** The Reports API accepts Basic credentials only. */
  function answerStatusQuery(request: WireRequest, lagMs: number): WireAnswer {
    const basic = parseBasic(request.headers.authorization);
    if (basic?.user !== credentials.apiKey || !sameSecret(basic.password, credentials.apiSecret))
      return jsonAnswer(401, { type: "https://developer.vonage.com/api-errors#unauthorized", title: "Unauthorized" });
    return reports.records(request.query, now() - lagMs);
  }

  function credentialRejection(request: WireRequest, params: Fields): ParamFault | undefined {
    const basic = parseBasic(request.headers.authorization);
    const { api_key: key = basic?.user, api_secret: secret = basic?.password } = params;
    if (key === undefined) return reject("2", "Missing api_key");
    if (secret === undefined) return reject("2", "Missing api_secret");
    return key === credentials.apiKey && sameSecret(textOf(secret), credentials.apiSecret) ? undefined : reject("4");
  }

  return {
    bodyBytesMax: 65_536,
    isRefusal(answer) {
      const statuses = listOf(fieldsOf(parseJson(answer.body ?? "")).messages).map((message) => textOf(fieldsOf(message).status));
      return statuses.length > 0 && !statuses.includes("0");
    },
    sideRequest(request) {
      if (request.path === "/v2/reports/records" && request.method === "GET")
        return { faultTarget: "vonage-status-query", answer: (lagMs) => answerStatusQuery(request, lagMs) };
      return request.path === "/sms/json" && request.method === "POST" ? undefined : { answer: () => ({ status: 404 }) };
    },
    read(request) {
      const { api_key: _key, api_secret: _secret, sig: _sig, ...payload } = paramsOf(request);
      const attemptId = textOf(payload["client-ref"]);
      const recipient = textOf(payload.to) === "" ? "" : `+${textOf(payload.to).replace(/^\+/, "")}`;
      return { deliveryId: deliveryOf(attemptId), attemptId, recipient, payload };
    },
    judge(request, sent): Judgement {
      const params = paramsOf(request);
      const rejection = credentialRejection(request, params) ?? paramFault(params) ?? numberRejection(sent, once);
      if (rejection !== undefined) {
        const message = { status: rejection.status, "error-text": rejection.text };
        return {
          accepted: false,
          code: `200 status ${rejection.status}`,
          answer: jsonAnswer(200, { "message-count": "1", messages: [message] }),
        };
      }
      const segments = params.type === "binary" ? 1 : countSegments(textOf(params.text), params.type === "unicode" ? "UCS-2" : "GSM-7");
      const messages = Array.from({ length: segments }, () => ({
        to: params.to,
        "message-id": randomBytes(8).toString("hex").toUpperCase(),
        status: "0",
        "remaining-balance": "15.53590000",
        "message-price": "0.03330000",
        network: "12345",
        ...(params["client-ref"] === undefined ? {} : { "client-ref": params["client-ref"] }),
      }));
      for (const message of messages)
        reports.add(
          {
            message_id: message["message-id"],
            client_ref: textOf(params["client-ref"]) || null,
            from: textOf(params.from),
            to: textOf(params.to),
          },
          now(),
        );
      return {
        accepted: true,
        code: "200 status 0",
        answer: jsonAnswer(200, { "message-count": String(segments), messages }),
      };
    },
  };
}

/** The API accepts JSON, a form or the query string. */
function paramsOf({ headers, body, query }: WireRequest): Fields {
  const isJson = /^application\/json\b/i.test(headers["content-type"] ?? "");
  const given = isJson ? fieldsOf(parseJson(body)) : Object.fromEntries(new URLSearchParams(body.toString()));
  return { ...Object.fromEntries(query), ...given };
}

/** Numbers whose suffix selects an answer; see README.md. */
function numberRejection({ recipient, deliveryId }: Sent, once: Once): ParamFault | undefined {
  if (recipient.endsWith("0007")) return reject("7");
  const status = /9990(\d\d)$/.exec(recipient)?.[1]?.replace(/^0/, "");
  if (status === undefined || ERROR_TEXT[status] === undefined) return undefined;
  return !TEMPORARY.includes(status) || once(`vonage ${recipient} ${deliveryId}`) ? reject(status) : undefined;
}
