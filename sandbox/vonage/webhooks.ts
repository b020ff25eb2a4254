import { createHmac, randomBytes } from "node:crypto";
import { fieldsOf, listOf, textOf } from "../kit/read.ts";
import { bodyOf, type WebhookEvent, type WebhookWriter } from "../kit/webhook-write.ts";
import type { VonageAccount } from "./simulator.ts";

const STATUS = { accepted: "accepted", delivered: "delivered", undelivered: "failed" } as const;
/** "Absent subscriber, temporary". */
const ABSENT = "2";

/** Delivery receipts as POST-JSON, one for each part (Vonage: "Delivery receipts", "Signing messages", SHA-256 HMAC). */
export function createVonageWriter({ apiKey, signatureSecret }: VonageAccount, now: () => number): WebhookWriter {
  return {
    eventsMax: 1,
    refsIn: (answer) => listOf(fieldsOf(bodyOf(answer)).messages).map((message) => textOf(fieldsOf(message)["message-id"])),
    write([event]: readonly [WebhookEvent], target) {
      const payload = fieldsOf(event.sent.payload);
      // 2026-01-05T12:00:00.000Z
      const time = new Date(event.at).toISOString();
      const params: Record<string, string> = {
        msisdn: textOf(payload.to),
        to: textOf(payload.from),
        "network-code": "23430",
        messageId: event.ref,
        price: "0.03330000",
        status: STATUS[event.kind],
        scts: time.replace(/\D/g, "").slice(2, 12),
        "err-code": event.kind === "undelivered" ? (event.reason ?? ABSENT) : "0",
        "api-key": apiKey,
        "client-ref": textOf(payload["client-ref"]),
        "message-timestamp": time.slice(0, 19).replace("T", " "),
        timestamp: String(Math.floor(now() / 1_000)),
        nonce: randomBytes(16).toString("hex"),
      };
      const text = Object.keys(params)
        .sort()
        .map((name) => `&${name}=${params[name]?.replace(/[&=]/g, "_")}`)
        .join("");
      const sig = createHmac("sha256", signatureSecret).update(text).digest("hex").toUpperCase();
      return { url: `${target}/vonage`, headers: { "content-type": "application/json" }, body: JSON.stringify({ ...params, sig }) };
    },
  };
}
