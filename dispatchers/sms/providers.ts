import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { systemClock } from "../../infra/clock.ts";
import { requireListed } from "../listed-providers.ts";
import { SMS_NEEDED, type SmsConfig, type SmsProviderName } from "./config.ts";
import { createTwilioProvider } from "./twilio/provider.ts";
import { createVonageProvider } from "./vonage/provider.ts";

const CREATE: Record<SmsProviderName, (config: SmsConfig, parts: { clock: Clock }) => Provider> = {
  twilio: createTwilioProvider,
  vonage: createVonageProvider,
};

/** The providers listed, in that order. Throws a ConfigError that names every variable they miss. */
export function createSmsProviders(config: SmsConfig, parts: { clock: Clock } = { clock: systemClock }): Provider[] {
  requireListed("SMS_PROVIDERS", config.SMS_PROVIDERS, SMS_NEEDED, config);
  return config.SMS_PROVIDERS.map((name) => CREATE[name](config, parts));
}
