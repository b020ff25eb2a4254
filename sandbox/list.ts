import { apns } from "./apns/index.ts";
import { fcm } from "./fcm/index.ts";
import type { SimulatorDefinition } from "./kit/definition.ts";
import { mandrill } from "./mandrill/index.ts";
import { sendgrid } from "./sendgrid/index.ts";
import { smtp } from "./smtp/index.ts";
import { twilio } from "./twilio/index.ts";
import { vonage } from "./vonage/index.ts";
import { webpush } from "./webpush/index.ts";

/** The providers the sandbox simulates, by the same names as in providers/; in the order in which `<CHANNEL>_PROVIDERS` lists them. */
export const SIMULATORS = { apns, fcm, webpush, twilio, vonage, sendgrid, mandrill, smtp };

export type ProviderName = keyof typeof SIMULATORS;

const definitions = Object.entries(SIMULATORS) as [ProviderName, SimulatorDefinition][];
export const PROVIDER_NAMES: readonly ProviderName[] = definitions.map(([name]) => name);
export const WEBHOOK_PROVIDERS: readonly ProviderName[] = definitions.flatMap(([name, { hasWebhooks }]) => (hasWebhooks ? [name] : []));
/** Everything for which faults can be ordered. */
export const FAULT_TARGETS: readonly string[] = [
  ...definitions.flatMap(([, { sideRequestTargets = [] }]) => sideRequestTargets),
  ...PROVIDER_NAMES,
];

/** The values of `<CHANNEL>_PROVIDERS`, for the channels with several providers. */
export const CHOICES: Readonly<Record<string, string>> = Object.fromEntries(
  (["sms", "email"] as const).map((channel) => [
    `${channel.toUpperCase()}_PROVIDERS`,
    definitions.flatMap(([name, { choiceOf }]) => (choiceOf === channel ? [name] : [])).join(","),
  ]),
);
