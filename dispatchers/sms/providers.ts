import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { requireListed } from "../listed-providers.ts";
import { SMS_NEEDED, type SmsConfig, type SmsProviderName } from "./config.ts";
import type { Attribute } from "./twilio/look-up.ts";
import { createTwilioProvider } from "./twilio/provider.ts";
import { createVonageProvider } from "./vonage/provider.ts";

interface Parts {
  clock: Clock;
  /** Whose a message of Twilio's is, found by look-up. */
  attribute: Attribute;
}

const CREATE: Record<SmsProviderName, (config: SmsConfig, parts: Parts) => Provider> = {
  twilio: createTwilioProvider,
  vonage: createVonageProvider,
};

/** What makes the providers listed, in that order. Throws a ConfigError that names every variable they miss, before anything is made. */
export function listedSmsProviders(config: SmsConfig): (parts: Parts) => Provider[] {
  requireListed("SMS_PROVIDERS", config.SMS_PROVIDERS, SMS_NEEDED, config);
  return (parts) => config.SMS_PROVIDERS.map((name) => CREATE[name](config, parts));
}
