import type { AttemptStore } from "../../core/ports/attempt-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { requireListed } from "../../providers/listed-providers.ts";
import { createTwilioProvider } from "../../providers/twilio/provider.ts";
import { createVonageProvider } from "../../providers/vonage/provider.ts";
import { SMS_NEEDED, type SmsConfig, type SmsProviderName } from "./config.ts";

interface Parts {
  clock: Clock;
  /** Whose a message of Twilio's is, found by status query. */
  attribute: AttemptStore["attribute"];
}

const CREATE: Record<SmsProviderName, (config: SmsConfig, parts: Parts) => Provider> = {
  twilio: (config, { clock, attribute }) =>
    createTwilioProvider(config, { clock, attribute: (sid, attemptId) => attribute("twilio", sid, attemptId) }),
  vonage: createVonageProvider,
};

/** The providers listed, in that order. Throws a ConfigError that names every variable they miss. */
export function createSmsProviders(config: SmsConfig, parts: Parts): Provider[] {
  requireListed("SMS_PROVIDERS", config.SMS_PROVIDERS, SMS_NEEDED, config);
  return config.SMS_PROVIDERS.map((name) => CREATE[name](config, parts));
}
