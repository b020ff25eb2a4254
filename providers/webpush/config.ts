import { isPushHostPattern, PUSH_HOSTS } from "../../core/content/push-host.ts";
import { listOf, text, url, type Values, type Variable, watchedSecretFile } from "../../runtime/config.ts";
import { providerVariables } from "../provider-config.ts";

const appOrigin = url(["https"], {
  default: "",
  reason:
    "what a tap on a push opens that names no click_url, so that Safari can show it without a service worker; empty: such a push is left to the service worker",
});

export const webPushVariables = {
  ...providerVariables,
  WEBPUSH_VAPID_PUBLIC_KEY: text({ reason: "the key browsers subscribed with, 65 bytes in base64url (RFC 8292)" }),
  WEBPUSH_VAPID_PRIVATE_KEY_FILE: watchedSecretFile({ reason: "its private half, 32 bytes in base64url" }),
  WEBPUSH_VAPID_SUBJECT: text({
    reason: "mailto: or https: address at which push services can contact you; Apple rejects localhost and placeholder domains",
  }),
  WEBPUSH_HOSTS: listOf(isPushHostPattern, "host, host:port or *.domain", {
    default: PUSH_HOSTS.join(","),
    reason: "push services that may be called, host or host:port, *. for subdomains; push URLs come from outside",
  }),
  WEBPUSH_APP_ORIGIN: { ...appOrigin, parse: (given) => (given === "" ? "" : appOrigin.parse(given)) } satisfies Variable<string>,
};
export type WebPushConfig = Values<typeof webPushVariables>;
