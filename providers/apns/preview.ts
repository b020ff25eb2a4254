import { apnsBytesMax } from "../../core/content/apns-payload.ts";
import { MASKED, ofAccount, type RequestPreviewer } from "../request-preview.ts";
import { apnsVariables } from "./config.ts";
import { buildApnsPush, topicOf } from "./payload.ts";

export const apnsPreview: RequestPreviewer = {
  provider: "apns",
  channel: "apns",
  build(delivery, now) {
    const { endpoint, content } = delivery;
    if (endpoint.channel !== "apns" || content.push === undefined) return "content-missing";
    const { device, headers, body } = buildApnsPush(delivery, endpoint.token, content.push, { now });
    const { APNS_ORIGIN, APNS_DEVELOPMENT_ORIGIN } = apnsVariables;
    const { default: origin } = endpoint.environment === "development" ? APNS_DEVELOPMENT_ORIGIN : APNS_ORIGIN;
    const topic = topicOf(endpoint.application ?? ofAccount("APNS_TOPIC"), endpoint.kind);
    return {
      target: `POST ${origin}/3/device/${device}`,
      headers: { authorization: `bearer ${MASKED}`, "apns-topic": topic, ...headers },
      ...{ form: "json", body, bytes: Buffer.byteLength(body), bytesMax: apnsBytesMax(content.push) },
    };
  },
};
