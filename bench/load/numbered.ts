import type { Channel } from "../../core/delivery/channel.ts";
import type { Request } from "../http1/requests.ts";
import { TAG_FIELD } from "../notification-bytes.ts";

/** As many as pushNotification() writes. */
export const NUMBER_DIGITS = 16;
/** In JSON and in a form: `"order":"1700…"`, `Your+order+1700…`, `Your order 1700…`. */
const IN_BODY = new RegExp(`${TAG_FIELD}\\W+(\\d{${NUMBER_DIGITS}})\\b`);
/** A web push is encrypted; its subscription ends with the number. */
const IN_PATH = new RegExp(`(\\d{${NUMBER_DIGITS}})$`);

/** The text of an SMS or the subject of an e-mail that tells a stub which notification it is of. */
export const numberedText = (n: number) => `Your ${TAG_FIELD} ${String(n).padStart(NUMBER_DIGITS, "0")} is on its way.`;

/** The number of the notification that a provider's request is of; NaN where there is none. */
export function numberIn(channel: Channel, { path, body }: Pick<Request, "path" | "body">): number {
  const [, digits] = channel === "webpush" ? (IN_PATH.exec(path) ?? []) : (IN_BODY.exec(body.toString("latin1")) ?? []);
  return Number(digits ?? Number.NaN);
}
