import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { systemClock } from "../../infra/clock.ts";
import { requireListed } from "../listed-providers.ts";
import { SMS_NEEDED, type SmsConfig, type SmsProviderName } from "./config.ts";
import type { Attribute } from "./twilio/look-up.ts";
import { createTwilioProvider } from "./twilio/provider.ts";
import { createVonageProvider } from "./vonage/provider.ts";

interface Parts {
  clock: Clock;
  /** Whose a message found by look-up is; see twilio/look-up.ts. */
  attribute?: Attribute | undefined;
}

const CREATE: Record<SmsProviderName, (config: SmsConfig, parts: Parts) => Provider> = {
  twilio: createTwilioProvider,
  vonage: createVonageProvider,
};

/** The providers listed, in that order. Throws a ConfigError that names every variable they miss. */
export function createSmsProviders(config: SmsConfig, parts: Parts = { clock: systemClock }): Provider[] {
  requireListed("SMS_PROVIDERS", config.SMS_PROVIDERS, SMS_NEEDED, config);
  return config.SMS_PROVIDERS.map((name) => CREATE[name](config, parts));
}
