import { WEBPUSH_PLAINTEXT_BYTES_MAX } from "../../core/content/limits.ts";
import { MASKED, ofAccount, type RequestPreviewer } from "../request-preview.ts";
import { buildWebPushMessage } from "./payload.ts";

/** In place of the account's WEBPUSH_APP_ORIGIN: paths are resolved against it, so that it has to be a URL. */
const APP_ORIGIN = "https://webpush-app-origin.invalid";

export const webPushPreview: RequestPreviewer = {
  provider: "webpush",
  channel: "webpush",
  build(delivery, now) {
    const { endpoint, content } = delivery;
    if (endpoint.channel !== "webpush" || content.push === undefined) return "content-missing";
    const setup = { origin: APP_ORIGIN, now };
    const { plaintext: body, ttl, urgency, topic } = buildWebPushMessage(delivery, content.push, setup);
    return {
      target: `POST ${endpoint.pushUrl}`,
      headers: {
        authorization: `vapid t=${MASKED}, k=${ofAccount("WEBPUSH_VAPID_PUBLIC_KEY")}`,
        ...{ "content-type": "application/octet-stream", "content-encoding": "aes128gcm" },
        ...{ ttl: String(ttl), urgency, topic },
      },
      ...{ form: "json", body, bytes: Buffer.byteLength(body), bytesMax: WEBPUSH_PLAINTEXT_BYTES_MAX },
    };
  },
};
