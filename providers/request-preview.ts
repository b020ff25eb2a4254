import type { Channel } from "../core/delivery/channel.ts";
import type { OutboundDelivery } from "../core/ports/provider.ts";
import { formOf } from "./transport/form.ts";

/** The request that a provider would be sent. What only the account says is the name of its variable in angle brackets. */
export interface PreviewedRequest {
  /** For example POST https://…; of SMTP the envelope. */
  target: string;
  /** Names in lower case; credentials are masked. */
  headers: Readonly<Record<string, string>>;
  form: "json" | "urlencoded" | "mime";
  body: string;
  /** What counts against the limit. */
  bytes: number;
  /** Absent: no limit in bytes. */
  bytesMax?: number;
}

/** How a provider would be asked, without an account of it. */
export interface RequestPreviewer {
  provider: string;
  channel: Channel;
  /** Why the provider never sends this content, in one word that docs/reasons.md explains; absent: it sends everything of its channel. */
  lacks?(delivery: OutboundDelivery): string | undefined;
  /**
   * What the provider's `send` would put on the wire, built by the same payload.ts; a text where it would send nothing: a reason of "rejected". Pure.
   * @param delivery whose endpoint may be masked
   * @param now ms since the epoch
   */
  build(delivery: OutboundDelivery, now: number): PreviewedRequest | string | Promise<PreviewedRequest | string>;
}

/** A value that only the account has. */
export const ofAccount = (variable: string) => `<${variable}>`;
export const MASKED = "…";

const ACCEPT_JSON = { accept: "application/json" };

/** As createJsonHttp() posts it. */
export function jsonRequest(
  url: string,
  headers: Record<string, string>,
  body: object,
): Pick<PreviewedRequest, "target" | "headers" | "form" | "body" | "bytes"> {
  const text = JSON.stringify(body);
  return {
    ...{ target: `POST ${url}`, headers: { "content-type": "application/json", ...ACCEPT_JSON, ...headers } },
    ...{ form: "json", body: text, bytes: Buffer.byteLength(text) },
  };
}

/** As createJsonHttp() posts a form. */
export function formRequest(url: string, headers: Record<string, string>, fields: Parameters<typeof formOf>[0]): PreviewedRequest {
  const body = formOf(fields);
  return {
    ...{ target: `POST ${url}`, headers: { "content-type": "application/x-www-form-urlencoded", ...ACCEPT_JSON, ...headers } },
    ...{ form: "urlencoded", body, bytes: Buffer.byteLength(body) },
  };
}
