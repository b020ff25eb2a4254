import type { Channel } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";
import { advertisingCountryOf, advertisingWindow, type SendingWindow } from "./advertising-rules.ts";
import { choiceAt } from "./answer.ts";
import type { PreferenceState } from "./change.ts";
import type { OptOut } from "./opt-out.ts";
import type { Profile } from "./profile.ts";
import type { ClosedHours } from "./sending-time.ts";

/** When the law of a recipient's country permits no advertising. */
export interface AdvertisingHours extends ClosedHours {
  /** Whoever consented to it, in so many words, may be sent advertising all the same. */
  consentCategory?: string | undefined;
}

/** Countries in one time zone, by its names in lower case: a user's profile tells the country although a push has no number. */
const COUNTRY_OF_ZONE: ReadonlyMap<string, string> = new Map([
  ["asia/seoul", "KR"],
  ["rok", "KR"],
]);

/**
 * The hours in which the law of the recipient's country permits no advertising on this channel. The country is that of a text's number; for a push that of
 * the profile's time zone. Undefined: none is known, or the law asks for the recipient's local time and no profile tells it. Pure.
 */
export function advertisingHours(
  { channel, endpoint, profile }: { channel: Channel; endpoint: Endpoint | undefined; profile: Profile | undefined },
  now: number,
): AdvertisingHours | undefined {
  const country =
    endpoint?.channel === "sms" ? advertisingCountryOf(endpoint.phoneNumber) : COUNTRY_OF_ZONE.get(profile?.timeZone?.toLowerCase() ?? "");
  const window = country === undefined ? undefined : advertisingWindow(country, now);
  if (!window?.channels.includes(channel)) return undefined;
  const timeZone = zoneOf(window, profile);
  // Closed from the end of the permitted hours to their beginning.
  const { untilMinute: fromMinute, fromMinute: untilMinute, consentCategory } = window;
  return timeZone === undefined ? undefined : { timeZone, fromMinute, untilMinute, consentCategory };
}

const zoneOf = ({ timeZone }: SendingWindow, profile: Profile | undefined) => (timeZone === "recipient" ? profile?.timeZone : timeZone);

/**
 * Whether one of these subjects consented to exactly this category, for the channel or for all, and none refused it. Consent to everything is not meant: the
 * law asks for a separate one. Pure.
 */
export function hasSeparateConsent(
  subjects: readonly Pick<PreferenceState, "optOuts" | "consents">[],
  { channel, category }: { channel: Channel; category: string },
  now: number,
): boolean {
  const exactly: OptOut[] = [
    { channel, category },
    { channel: "*", category },
  ];
  const answers = subjects.map((state) => choiceAt(state, exactly, now));
  return answers.includes("consented") && !answers.includes("refused");
}
