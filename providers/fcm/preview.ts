import { FCM_PAYLOAD_BYTES_MAX } from "../../core/content/limits.ts";
import { jsonRequest, MASKED, ofAccount, type RequestPreviewer } from "../request-preview.ts";
import { fcmVariables } from "./config.ts";
import { buildFcmMessage } from "./payload.ts";

export const fcmPreview: RequestPreviewer = {
  provider: "fcm",
  channel: "fcm",
  build(delivery, now) {
    const { endpoint, content } = delivery;
    if (endpoint.channel !== "fcm" || content.push === undefined) return "content-missing";
    const { message, bytes } = buildFcmMessage(delivery, endpoint, content.push, now);
    const url = `${fcmVariables.FCM_ORIGIN.default}/v1/projects/${ofAccount("project_id")}/messages:send`;
    const request = jsonRequest(url, { authorization: `Bearer ${MASKED}` }, { message });
    return { ...request, bytes, bytesMax: FCM_PAYLOAD_BYTES_MAX };
  },
};
