import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFaults } from "../../sandbox/kit/faults.ts";
import { deliveryOf, fieldsOf, listOf, parseJson, textOf } from "../../sandbox/kit/read.ts";
import type { Sent, WireAnswer } from "../../sandbox/kit/simulator.ts";
import type { WebhookWriter } from "../../sandbox/kit/webhook-write.ts";
import { createWebhooks } from "../../sandbox/kit/webhooks.ts";
import { createSendgridWriter } from "../../sandbox/sendgrid/webhooks.ts";
import { createTwilioOptOuts } from "../../sandbox/twilio/opt-outs.ts";
import { createTwilioWriter } from "../../sandbox/twilio/webhooks.ts";
import type { Request } from "../http1/requests.ts";

/** Providers whose sends a stub reports on, by the beginning of a send's path. */
interface Reporter {
  provider: string;
  writer(secret: (name: string) => string): WebhookWriter;
  read(body: string): Sent;
  /** What the writer reads the message's id from. */
  answer(id: string): WireAnswer;
}

const REPORTERS: readonly (readonly [path: string, reporter: Reporter])[] = [
  [
    "/2010-04-01/",
    {
      provider: "twilio",
      writer(secret) {
        const account = {
          name: "",
          accountSid: secret("twilio-account-sid"),
          authToken: secret("twilio-auth-token"),
          apiKey: { sid: "", secret: "" },
          from: "",
        };
        return createTwilioWriter(() => [account], createTwilioOptOuts());
      },
      read(body) {
        const form = new URLSearchParams(body);
        return { deliveryId: "", attemptId: "", recipient: form.get("To") ?? "", payload: Object.fromEntries(form) };
      },
      answer: (id) => ({ status: 201, body: JSON.stringify({ sid: id }) }),
    },
  ],
  [
    "/v3/mail/send",
    {
      provider: "sendgrid",
      writer: (secret) => createSendgridWriter({ apiKey: "", webhookKey: createPrivateKey(secret("sendgrid-webhook-key")) }, Date.now),
      read(body) {
        const payload = parseJson(body);
        const [first] = listOf(fieldsOf(payload).personalizations).map(fieldsOf);
        const attemptId = textOf(fieldsOf(first?.custom_args).carillon_attempt);
        const recipient = textOf(fieldsOf(listOf(first?.to)[0]).email);
        return { deliveryId: deliveryOf(attemptId), attemptId, recipient, payload };
      },
      answer: (id) => ({ status: 202, headers: { "x-message-id": id } }),
    },
  ],
];

/** What a stub reports of the sends that it accepts. */
export interface StubReceipts {
  /** Signed "accepted" and "delivered" of this send, where its provider has webhooks. @param id the message's, as in the answer to the send */
  report(request: Request, id: string): void;
  /** Webhook events that were answered 2xx, that were given up, and messages that still have some to come. */
  state(): { told: number; givenUp: number; open: number };
}

/**
 * @param directory of a sandbox, whose keys sign the webhooks
 * @param target base URL of the feedback role
 */
export function createStubReceipts(directory: string, target: string): StubReceipts {
  const secret = (name: string) => readFileSync(join(directory, name), "utf8");
  const writers = new Map(REPORTERS.map(([, { provider, writer }]) => [provider, writer(secret)]));
  const webhooks = createWebhooks({ writers, faults: createFaults({ targets: [], webhookProviders: [] }), now: Date.now });
  webhooks.target(target);
  return {
    report({ path, body }, id) {
      const reporter = REPORTERS.find(([beginning]) => path.startsWith(beginning))?.[1];
      if (reporter !== undefined) void webhooks.report(reporter.provider, reporter.read(body.toString()), reporter.answer(id));
    },
    state() {
      const { told, givenUp, open } = webhooks.state();
      return { told, givenUp, open };
    },
  };
}
