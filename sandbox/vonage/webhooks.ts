import { createHmac, randomBytes } from "node:crypto";
import { fieldsOf, listOf, textOf } from "../kit/read.ts";
import { bodyOf, type WebhookEvent, type WebhookWriter } from "../kit/webhook-write.ts";
import type { VonageAccount } from "./simulator.ts";

const STATUS = { accepted: "accepted", delivered: "delivered", undelivered: "failed" } as const;
/** "Absent subscriber, temporary". */
const ABSENT = "2";

/** Delivery receipts as POST-JSON, one for each part (Vonage: "Delivery receipts", "Signing messages", SHA-256 HMAC). */
export function createVonageWriter({ apiKey, signatureSecret, from }: VonageAccount, now: () => number): WebhookWriter {
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
      return { url: `${target}/vonage`, headers: JSON_TYPE, body: JSON.stringify(signed(params)) };
    },
    /** "Inbound SMS": as POST-JSON, or by GET with everything in the query; a long one in parts. */
    writeText({ from: person, to, text, id, account, method }, target) {
      if (account !== "") throw new RangeError("there is no such account");
      const parts = partsOf(text);
      const time = new Date(now()).toISOString();
      return parts.map((part, i) => {
        const params = signed({
          ...{ msisdn: person.slice(1), to: (to ?? from).replace(/^\+/, ""), messageId: `${id.slice(0, 14)}${String(i).padStart(2, "0")}` },
          ...{ text: part, type: "text", keyword: (part.trim().split(/\s+/)[0] ?? "").toUpperCase(), "api-key": apiKey },
          ...{ "message-timestamp": time.slice(0, 19).replace("T", " "), timestamp: String(Math.floor(now() / 1_000)) },
          nonce: randomBytes(16).toString("hex"),
          ...(parts.length === 1
            ? {}
            : { concat: "true", "concat-ref": id.slice(0, 2), "concat-total": String(parts.length), "concat-part": String(i + 1) }),
        });
        const url = `${target}/vonage`;
        return method === "GET"
          ? { method, url: `${url}?${new URLSearchParams(params)}`, headers: {}, body: "" }
          : { url, headers: JSON_TYPE, body: JSON.stringify(params) };
      });
    },
  };

  function signed(params: Record<string, string>): Record<string, string> {
    const text = Object.keys(params)
      .sort()
      .map((name) => `&${name}=${params[name]?.replace(/[&=]/g, "_")}`)
      .join("");
    return { ...params, sig: createHmac("sha256", signatureSecret).update(text).digest("hex").toUpperCase() };
  }
}

const JSON_TYPE = { "content-type": "application/json" };
/** Characters of a text in one part, and of each of several. */
const WHOLE_CHARACTERS = 160;
const PART_CHARACTERS = 153;

const partsOf = (text: string): string[] =>
  text.length <= WHOLE_CHARACTERS
    ? [text]
    : Array.from({ length: Math.ceil(text.length / PART_CHARACTERS) }, (_, i) =>
        text.slice(i * PART_CHARACTERS, (i + 1) * PART_CHARACTERS),
      );
