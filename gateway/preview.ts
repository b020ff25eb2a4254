import { setImmediate as nextTurn } from "node:timers/promises";
import { channelToProto, reasonToProto } from "../adapters/wire/convert.ts";
import type { Content } from "../core/content/content.ts";
import { offersUnsubscribe } from "../core/content/email-unsubscribe.ts";
import { smsSizeOf } from "../core/content/sms-content.ts";
import { advertisingWarnings } from "../core/content/sms-warnings.ts";
import { type ContentWarning, warningsOf } from "../core/content/warnings.ts";
import { isPush } from "../core/delivery/channel.ts";
import { maskEndpoint, maskedEndpoint } from "../core/delivery/endpoint.ts";
import type { Delivery, NotificationRecord } from "../core/delivery/notification.ts";
import { outboundOf } from "../core/delivery/outbound.ts";
import { reason } from "../core/delivery/reason.ts";
import { toTask } from "../core/delivery/task.ts";
import { attemptId } from "../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../core/ports/provider.ts";
import type { Category } from "../core/preferences/category.ts";
import { BodyForm, type RequestPreview, SmsForm } from "../gen/carillon/v1/notification_service.ts";
import type { PreviewedRequest, RequestPreviewer } from "../providers/request-preview.ts";
import { SMS_FORM, suppressedOnAcceptance } from "./answer.ts";

/** Bytes of a body that are shown: of a mail the beginning of its html. Three of them are far less than what a client takes, 4 MiB unless told otherwise. */
export const PREVIEW_BODY_BYTES_MAX = 65_536;

/**
 * The request to each provider, for the first delivery of each channel: those to a user's other devices differ in endpoint and ids alone, so the answer's size
 * does not depend on how many there are.
 * @param content all of it, also what the record has by reference
 * @param settings of its category; undefined: the app has put none
 */
export async function previewRequests(
  record: NotificationRecord,
  content: Content,
  settings: Category | undefined,
): Promise<RequestPreview[]> {
  const deliveries = record.deliveries.filter((d) => d.endpoint !== undefined && !suppressedOnAcceptance(d, record));
  // Loaded by the first preview: with what builds mails it takes memory that a gateway which previews nothing does not need.
  const { previewersOf } = await import("../providers/previewers.ts");
  const previews: RequestPreview[] = [];
  for (const ofChannel of Map.groupBy(deliveries, ({ channel }) => channel).values()) {
    const [first] = ofChannel;
    if (first === undefined) continue;
    const about = aboutDelivery(first, ofChannel.length, content);
    const outbound = outboundFor({ ...record, content, contentHashes: undefined }, first, settings);
    for (const previewer of previewersOf(first.channel)) {
      // A large mail takes 20 ms: other calls get their turn before each.
      await nextTurn();
      const request = await previewer.build(outbound, Math.max(record.sendAt, record.acceptedAt));
      previews.push({
        ...about,
        ...asked(previewer, outbound, request),
        warnings: warningsFor(previewer.provider, record, first, { content, settings }),
      });
    }
  }
  return previews;
}

/** In the place of a recipient's own link to unsubscribe: feedback's address and the keys are the dispatcher's. */
const PREVIEWED_LINK = "https://feedback.invalid/u/token";

/** Its first attempt, every endpoint masked. */
function outboundFor(record: NotificationRecord, first: Delivery, settings: Category | undefined): OutboundDelivery {
  const { email } = record.content;
  const offersLink = email !== undefined && offersUnsubscribe(email, { ...record, settings });
  const masked = (d: Delivery): Delivery => (d.endpoint ? { ...d, endpoint: maskedEndpoint(d.endpoint) } : d);
  const task = toTask({ ...record, deliveries: record.deliveries.map(masked) }, masked(first));
  return outboundOf(offersLink ? { ...task, unsubscribeUrl: PREVIEWED_LINK } : task, attemptId(first.id, 1));
}

function aboutDelivery({ id, channel, endpoint }: Delivery, deliveries: number, { sms }: Content) {
  const size = channel === "sms" && sms ? smsSizeOf(sms) : undefined;
  return {
    ...{ deliveryId: id, channel: channelToProto(channel), deliveries, endpointMasked: endpoint ? maskEndpoint(endpoint) : "" },
    ...{ smsSegments: size?.segments ?? 0, smsForm: size ? SMS_FORM[size.form] : SmsForm.SMS_FORM_UNSPECIFIED },
  };
}

const BODY_FORM = {
  json: BodyForm.BODY_FORM_JSON,
  urlencoded: BodyForm.BODY_FORM_URLENCODED,
  mime: BodyForm.BODY_FORM_MIME,
} as const satisfies Record<PreviewedRequest["form"], BodyForm>;

function asked({ provider, lacks }: RequestPreviewer, outbound: OutboundDelivery, request: PreviewedRequest | string) {
  const why = typeof request === "string" ? request : lacks?.(outbound);
  const notSentReason = why === undefined ? undefined : reasonToProto(reason("rejected", why));
  if (typeof request === "string") return { provider, notSentReason, ...NOTHING };
  const { target, headers, form, bytes, bytesMax = 0 } = request;
  const body = beginningOf(request.body);
  const shown = { bodyForm: BODY_FORM[form], body, bodyCut: body.length < request.body.length, bytes, bytesMax };
  return { provider, notSentReason, target, headers: { ...headers }, ...shown };
}

const NOTHING = { target: "", headers: {}, bodyForm: BodyForm.BODY_FORM_UNSPECIFIED, body: "", bodyCut: false, bytes: 0, bytesMax: 0 };

/** As much as may be shown, without half a character at its end. */
function beginningOf(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= PREVIEW_BODY_BYTES_MAX) return text;
  return new TextDecoder().decode(bytes.subarray(0, PREVIEW_BODY_BYTES_MAX), { stream: true });
}

/** What the notification says beside its content, and the channel has nothing for. */
function unsentOn(channel: Delivery["channel"], { collapseKey, ttlSeconds }: NotificationRecord): ContentWarning[] {
  const unsent = (field: string, why: string) => [{ code: "not-sent", field, message: `is not sent: ${why}` }];
  return [
    ...(collapseKey && !isPush(channel) ? unsent("collapse_key", "only a push replaces an earlier one") : []),
    ...(ttlSeconds !== undefined && channel === "email"
      ? unsent("ttl_seconds", "mails have no lifetime; expires_at ends their attempts")
      : []),
  ];
}

/** The page where people choose shows the category as one of another class than it is sent with. */
function otherClass({ notificationClass }: NotificationRecord, settings: Category | undefined): ContentWarning[] {
  const meant = settings?.notificationClass;
  if (meant === undefined || meant === notificationClass) return [];
  const message = `is ${notificationClass}, which the notification is sent by; its category was put as ${meant}`;
  return [{ code: "class-of-category", field: "notification_class", message }];
}

function warningsFor(
  provider: string,
  record: NotificationRecord,
  { channel, endpoint }: Delivery,
  { content, settings }: { content: Content; settings: Category | undefined },
) {
  const { notificationClass } = record;
  const phoneNumber = endpoint?.channel === "sms" ? endpoint.phoneNumber : "";
  const ofCountry = content.sms && phoneNumber ? advertisingWarnings(content.sms, { notificationClass, phoneNumber }) : [];
  const all = [...warningsOf(provider, content), ...ofCountry, ...unsentOn(channel, record), ...otherClass(record, settings)];
  return all.map(({ code, field, message }) => ({
    code,
    field: `notification.${field}`,
    message,
  }));
}
