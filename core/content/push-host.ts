/** The push services of today's browsers, in the order Chrome, Firefox, Edge on Windows, Safari; each documents its host for allow-lists. */
export const PUSH_HOSTS = [
  "fcm.googleapis.com",
  "updates.push.services.mozilla.com",
  "*.notify.windows.com",
  "web.push.apple.com",
] as const;

/**
 * Whether a push may be sent to this URL: https, no credentials in it, and a host on the list. A push URL comes from outside, and without the
 * list it could point into our own network.
 * @param hosts host or host:port (without one: 443); a leading "*." stands for any subdomain, not for the domain itself
 */
export function pushUrlAllowed(pushUrl: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(pushUrl)) return false;
  const url = new URL(pushUrl);
  if (url.protocol !== "https:" || url.username !== "" || url.password !== "") return false;
  const port = url.port || "443";
  return hosts.some((allowed) => {
    const [, pattern = "", allowedPort = "443"] = /^(.*?)(?::(\d+))?$/.exec(allowed.toLowerCase()) ?? [];
    if (port !== allowedPort) return false;
    return pattern.startsWith("*.")
      ? url.hostname.endsWith(pattern.slice(1)) && url.hostname.length > pattern.length - 1
      : url.hostname === pattern;
  });
}
