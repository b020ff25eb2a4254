import type { Content } from "../core/content/content.ts";
import type { EmailContent } from "../core/content/email-content.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type {
  BatchSendNotificationsRequest,
  BatchSendNotificationsResponse,
  BatchSendNotificationsResult,
  CancelNotificationsRequest,
  CancelNotificationsResponse,
  GetNotificationRequest,
  GetNotificationResponse,
  ItemError,
  ListNotificationsRequest,
  ListNotificationsResponse,
  PreviewNotificationRequest,
  PreviewNotificationResponse,
  SendNotificationRequest,
  SendNotificationResponse,
} from "../gen/carillon/v1/notification_service.ts";
import {
  type CallError,
  callError,
  codeNumber,
  DESCRIPTION_CHARACTERS_MAX,
  invalidRequest,
  MESSAGE_CHARACTERS_MAX,
} from "../runtime/call-error.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import type { Handler } from "../runtime/handler.ts";
import { cut } from "../runtime/text.ts";
import type { Accept, AcceptResult } from "./accept.ts";
import { attemptsShown, notFound, toAccepted, toGetResponse } from "./answer.ts";
import { type CancelParts, createCancelHandler } from "./cancel-handler.ts";
import { createListHandler, type ListParts } from "./list-handler.ts";
import { previewRequests } from "./preview.ts";
import { toRequest } from "./request.ts";
import { storedContent } from "./route.ts";

/** Violations returned per item, so that the answer to a batch of 1,000 invalid items stays small. */
const ITEM_FIELDS_MAX = 10;
const ITEM_PATH = /^notifications\[\d+\]/;

/** carillon.v1.NotificationService, for the app whose API key the caller showed. */
export interface NotificationHandlers {
  sendNotification: Handler<SendNotificationRequest, SendNotificationResponse, AppRecord>;
  batchSendNotifications: Handler<BatchSendNotificationsRequest, BatchSendNotificationsResponse, AppRecord>;
  previewNotification: Handler<PreviewNotificationRequest, PreviewNotificationResponse, AppRecord>;
  getNotification: Handler<GetNotificationRequest, GetNotificationResponse, AppRecord>;
  listNotifications: Handler<ListNotificationsRequest, ListNotificationsResponse, AppRecord>;
  cancelNotifications: Handler<CancelNotificationsRequest, CancelNotificationsResponse, AppRecord>;
}

export type NotificationHandlerParts = CancelParts & ListParts;

export function createNotificationHandlers(accepting: Accept, parts: NotificationHandlerParts): NotificationHandlers {
  const { store } = parts;
  const checkSend = compileValidator("carillon.v1.SendNotificationRequest");
  const checkBatch = compileValidator("carillon.v1.BatchSendNotificationsRequest");
  const checkPreview = compileValidator("carillon.v1.PreviewNotificationRequest");
  const checkGet = compileValidator("carillon.v1.GetNotificationRequest");
  return {
    async sendNotification(request, { caller, traceparent }) {
      const { notification: message, validateOnly } = request;
      const item = { message, path: "notification", violations: checkSend(request), validateOnly };
      const [result] = await accepting.accept(caller, [item], traceparent);
      if (result === undefined) throw new Error("one item has one result");
      return result.kind === "accepted" ? { accepted: toAccepted(result.record, result.repeatedKey) } : result.error;
    },
    async batchSendNotifications(request, { caller, traceparent }) {
      // A violation within an item rejects that item; a violation of the list rejects the call.
      const violations = Map.groupBy(checkBatch(request), (v) => ITEM_PATH.exec(v.field)?.[0] ?? "");
      const ofList = violations.get("");
      if (ofList) return invalidRequest(ofList);
      const items = request.notifications.map((message, i) => {
        const path = `notifications[${i}]`;
        return { message, path, violations: violations.get(path) ?? [] };
      });
      const results = await accepting.accept(caller, items, traceparent);
      return { results: results.map(toBatchResult) };
    },
    async previewNotification(request, { caller, traceparent }) {
      const { notification: message } = request;
      const item = { message, path: "notification", violations: checkPreview(request), validateOnly: true };
      const [result] = await accepting.accept(caller, [item], traceparent);
      if (result === undefined) throw new Error("one item has one result");
      if (result.kind === "rejected") return result.error;
      const { record, repeatedKey } = result;
      // The record has large parts by reference; the request has them.
      const given: Content = message ? storedContent(toRequest(message), record.sendAt) : {};
      const { push = given.push, sms = given.sms, email = given.email } = record.content;
      const content = { push, sms, email: email && withoutStoredFiles(email) };
      const settings = caller.categories?.find(({ name }) => name === record.category);
      return { accepted: toAccepted(record, repeatedKey), requests: await previewRequests(record, content, settings) };
    },
    async getNotification(request, { caller }) {
      const violations = checkGet(request);
      if (violations.length > 0) return invalidRequest(violations);
      const record = await store.notifications.find(request.notificationId).catch(() => unreadable);
      if (record !== undefined && "kind" in record) return record;
      // The notification of another app is answered as if it did not exist.
      if (record === undefined || record.app !== caller.id) return notFound;
      const attempts = await store.attempts.find(attemptsShown(record)).catch(() => unreadable);
      return "kind" in attempts ? attempts : toGetResponse(record, attempts);
    },
    listNotifications: createListHandler(parts),
    cancelNotifications: createCancelHandler(parts),
  };
}

const unreadable = callError("UNAVAILABLE", "UNAVAILABLE", "the store cannot be read");

function toBatchResult(result: AcceptResult): BatchSendNotificationsResult {
  return result.kind === "accepted"
    ? { result: { $case: "accepted", value: toAccepted(result.record, result.repeatedKey) } }
    : { result: { $case: "error", value: toItemError(result.error) } };
}

const toItemError = ({ code, message, reason, fields = [], retryAfterMs }: CallError): ItemError => ({
  code: codeNumber(code),
  message: cut(message, MESSAGE_CHARACTERS_MAX),
  reason,
  fields: fields
    .slice(0, ITEM_FIELDS_MAX)
    .map((f) => ({ field: f.field, rule: f.rule, description: cut(f.message, DESCRIPTION_CHARACTERS_MAX) })),
  retryAfter:
    retryAfterMs === undefined
      ? undefined
      : { seconds: Math.floor(retryAfterMs / 1_000), nanos: Math.floor(retryAfterMs % 1_000) * 1_000_000 },
});

/** A preview reads no stored files: each is shown as a text that names it. */
const withoutStoredFiles = (email: EmailContent): EmailContent => ({
  ...email,
  ...(email.attachments && {
    attachments: email.attachments.map(({ blobId, ...file }) =>
      blobId === undefined ? file : { ...file, base64: Buffer.from(`stored file ${blobId}`).toString("base64") },
    ),
  }),
});
