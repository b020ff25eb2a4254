import type { Confirmation } from "../core/delivery/in-doubt.ts";
import { apns } from "./apns/index.ts";
import type { ProviderDefinition } from "./definition.ts";
import { fcm } from "./fcm/index.ts";
import { mandrill } from "./mandrill/index.ts";
import { sendgrid } from "./sendgrid/index.ts";
import { smtp } from "./smtp/index.ts";
import { twilio } from "./twilio/index.ts";
import { vonage } from "./vonage/index.ts";
import { webpush } from "./webpush/index.ts";

/** Every provider there is; within a channel in the default order of preference. Roles, routes, variables and documents derive from it. */
export const PROVIDERS: readonly ProviderDefinition[] = [apns, fcm, webpush, twilio, vonage, sendgrid, mandrill, smtp];

/** What can tell the outcome of a provider's attempts. */
export function confirmationOf(provider: string): Confirmation {
  const of = PROVIDERS.find(({ name }) => name === provider);
  return { statusQueryTellsMs: of?.statusQuery?.tellsMs ?? of?.statusQuery?.firstMs, sendsReceipts: of?.webhook !== undefined };
}
