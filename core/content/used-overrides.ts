import type { ContentPart } from "../delivery/channel.ts";
import type { Content } from "./content.ts";

/** The providers whose requests a content can override. */
export const OVERRIDE_PROVIDERS = ["apns", "fcm", "webpush", "twilio", "vonage", "sendgrid", "mandrill"] as const;
export type OverrideProvider = (typeof OVERRIDE_PROVIDERS)[number];

export interface UsedOverride {
  part: ContentPart;
  provider: OverrideProvider;
  /** The outermost keys that it names. */
  keys: string[];
}

/** What a content overrides, by provider. APNs' headers are keys of its own. */
export function usedOverrides({ push, sms, email }: Content): UsedOverride[] {
  if (!push?.overrides && !sms?.overrides && !email?.overrides) return [];
  const { apns, apnsHeaders, fcm, webpush } = push?.overrides ?? {};
  return [
    ...used("push", { apns: (apns || apnsHeaders) && { ...apns, ...apnsHeaders }, fcm, webpush }),
    ...used("sms", { ...sms?.overrides }),
    ...used("email", { ...email?.overrides }),
  ];
}

const used = (part: ContentPart, overrides: Partial<Record<OverrideProvider, object | undefined>>): UsedOverride[] =>
  OVERRIDE_PROVIDERS.flatMap((provider) => {
    const override = overrides[provider];
    return override === undefined ? [] : [{ part, provider, keys: Object.keys(override) }];
  });
