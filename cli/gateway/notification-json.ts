import { channelFromProto, classFromProto, stateFromProto } from "../../adapters/wire/convert.ts";
import {
  type AcceptedDelivery,
  BodyForm,
  Copy,
  type DeliveryState,
  type GetNotificationResponse,
  type RequestPreview,
  SmsForm,
} from "../../gen/carillon/v1/notification_service.ts";

/** A notification as people read it: words for numbers, nothing empty. */
export function toJson(response: GetNotificationResponse): object {
  return {
    notificationId: response.notificationId,
    key: response.idempotencyKey,
    class: classFromProto(response.notificationClass),
    category: response.category,
    tags: Object.keys(response.tags).length > 0 ? response.tags : undefined,
    cancelKey: response.cancelKey || undefined,
    acceptedAt: response.acceptedAt,
    sendAt: response.sendAt,
    expiresAt: response.expiresAt,
    deliveries: response.deliveries.map((d) => ({
      id: d.deliveryId,
      channel: channelFromProto(d.channel),
      state: stateFromProto(d.state satisfies DeliveryState),
      reason: d.reason || undefined,
      endpoint: d.endpointMasked || undefined,
      endedAt: d.endedAt,
      uncertainSince: d.uncertainSince,
      attempts: d.attempts.map((a) => ({
        number: a.number,
        provider: a.provider,
        startedAt: a.startedAt,
        outcome: a.outcome || "under way",
        reason: a.reason || undefined,
        providerRef: a.providerRef || undefined,
        answeredAt: a.answeredAt,
        resolved: a.resolvedBy ? { outcome: a.resolvedOutcome, by: a.resolvedBy, at: a.resolvedAt } : undefined,
        policyResend: a.policyResend || undefined,
        redrive: a.redrive || undefined,
      })),
    })),
  };
}

const SMS_FORMS: Readonly<Partial<Record<SmsForm, string>>> = {
  [SmsForm.SMS_FORM_GSM7]: "gsm7",
  [SmsForm.SMS_FORM_UCS2]: "ucs2",
  [SmsForm.SMS_FORM_MMS]: "mms",
};
const COPIES: Readonly<Partial<Record<Copy, string>>> = { [Copy.COPY_CC]: "cc", [Copy.COPY_BCC]: "bcc" };

/** What was accepted, as people read it. */
export const toAcceptedJson = (deliveries: readonly AcceptedDelivery[]) =>
  deliveries.map((d) => {
    const [form, copy] = [SMS_FORMS[d.smsForm], COPIES[d.copy]];
    return {
      id: d.deliveryId,
      channel: channelFromProto(d.channel) ?? "unknown",
      ...(d.suppressedReason ? { suppressed: d.suppressedReason.code } : {}),
      ...(form === undefined ? {} : { segments: d.smsSegments, form, destination: d.smsDestination }),
      ...(copy === undefined ? {} : { copy }),
    };
  });

export interface RequestJson {
  delivery: string;
  channel: string;
  /** Deliveries of the channel that would be sent. */
  deliveries: number;
  provider: string;
  endpoint: string;
  notSent?: string | undefined;
  target: string;
  headers: Readonly<Record<string, string>>;
  form: "json" | "urlencoded" | "mime";
  /** Of a form its fields; JSON as it is, a text where it is cut or a mail. */
  body: unknown;
  bodyCut?: true | undefined;
  bytes: number;
  bytesMax?: number | undefined;
  segments?: number | undefined;
  smsForm?: string | undefined;
  warnings: { code: string; field: string; message: string }[];
}

/** What a provider would be sent, as people read it. */
export function toRequestJson(request: RequestPreview): RequestJson {
  const { notSentReason, bodyForm, bodyCut, bytesMax, smsSegments } = request;
  const form = bodyForm === BodyForm.BODY_FORM_MIME ? "mime" : bodyForm === BodyForm.BODY_FORM_URLENCODED ? "urlencoded" : "json";
  const smsForm = SMS_FORMS[request.smsForm];
  return {
    ...{ delivery: request.deliveryId, channel: channelFromProto(request.channel) ?? "unknown", deliveries: request.deliveries },
    ...{
      provider: request.provider,
      endpoint: request.endpointMasked,
      notSent: notSentReason && (notSentReason.detail || notSentReason.code),
    },
    ...{ target: request.target, headers: request.headers, form },
    ...{ body: bodyOf(form, request), bodyCut: bodyCut || undefined },
    ...{ bytes: request.bytes, bytesMax: bytesMax || undefined },
    ...(smsForm === undefined ? {} : { segments: smsSegments, smsForm }),
    warnings: request.warnings.map(({ code, field, message }) => ({ code, field, message })),
  };
}

function bodyOf(form: RequestJson["form"], { body, bodyCut }: RequestPreview): unknown {
  if (form === "mime" || bodyCut || body === "") return body;
  if (form === "json") return JSON.parse(body) as unknown;
  const fields = new URLSearchParams(body);
  // A field that is given several times is a list.
  return Object.fromEntries([...new Set(fields.keys())].map((name) => [name, oneOrAll(fields.getAll(name))]));
}
const oneOrAll = (values: string[]) => (values.length === 1 ? values[0] : values);
