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
