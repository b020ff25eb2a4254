import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { requireListed } from "../../providers/listed-providers.ts";
import { createMandrillProvider } from "../../providers/mandrill/provider.ts";
import { createSendgridProvider } from "../../providers/sendgrid/provider.ts";
import { systemClock } from "../../runtime/clock.ts";
import { EMAIL_NEEDED, type EmailConfig, type EmailProviderName } from "./config.ts";

const CREATE: Record<EmailProviderName, (config: EmailConfig, parts: { clock: Clock }) => Provider> = {
  sendgrid: createSendgridProvider,
  mandrill: createMandrillProvider,
};

/** The providers listed, in that order. Throws a ConfigError that names every variable they miss. */
export function createEmailProviders(config: EmailConfig, parts: { clock: Clock } = { clock: systemClock }): Provider[] {
  requireListed("EMAIL_PROVIDERS", config.EMAIL_PROVIDERS, EMAIL_NEEDED, config);
  return config.EMAIL_PROVIDERS.map((name) => CREATE[name](config, parts));
}
