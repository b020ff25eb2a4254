import type { IncomingHttpHeaders } from "node:http";
import { foreignMistake } from "../../web/server/same-site.ts";

export type OriginHeaders = Pick<IncomingHttpHeaders, "host" | "origin" | "sec-fetch-site">;

/**
 * Why a request that changes something may come from a page of another site; undefined where it does not. Browsers send Origin with every POST, so one
 * without it is refused. They send "null" with forms of pages that send no referrer: then Sec-Fetch-Site says whether the page was ours.
 * @param publicUrl where browsers reach the console; "": at a loopback address, which Host names
 */
export function originMistake(headers: OriginHeaders, publicUrl: string): string | undefined {
  const { origin } = headers;
  if (origin === undefined) return "a request that changes something needs an Origin header";
  if (origin === "null") {
    if (headers["sec-fetch-site"] !== "same-origin") return "the Origin header names no site";
    return publicUrl === "" ? hostMistake(headers, publicUrl) : undefined;
  }
  if (publicUrl === "") return foreignMistake({ host: headers.host, origin }, []);
  return origin === new URL(publicUrl).origin ? undefined : "the Origin header names another site";
}

export const sameOrigin = (headers: OriginHeaders, publicUrl: string): boolean => originMistake(headers, publicUrl) === undefined;

/** The same for a request that only reads: with no public URL, a page elsewhere could have a name of its own resolve to this machine. */
export const hostMistake = ({ host }: OriginHeaders, publicUrl: string): string | undefined =>
  publicUrl === "" ? foreignMistake({ host }, []) : undefined;

/**
 * Whether somebody opens a page, as far as their browser says: not a picture or a frame of another page, nor what is fetched in advance. Browsers say it
 * to every https site and loopback address; programs need not.
 */
export const opensPage = (headers: IncomingHttpHeaders): boolean =>
  (headers["sec-fetch-dest"] ?? "document") === "document" && headers["sec-purpose"] === undefined;
