import { crc32 } from "node:zlib";
import type { Recipient } from "../../core/delivery/notification.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { endpointId } from "../ids.ts";

/** The key by which a recipient's notifications are found; of an address that was given outright, its hash. */
export const recipientKey = (recipient: Recipient): string =>
  recipient.kind === "user" ? userSubject(recipient.userId) : endpointSubject(endpointId(recipient.endpoint));

/**
 * What the index by recipient holds instead of the key. Recipients come in no order, so each insert changes another page of that index; with whole keys in it an
 * insert took twice the CPU time. Different recipients may have the same number, so queries compare app and key, too.
 */
export const recipientCrc = (app: string, key: string): number => crc32(`${app}/${key}`);

/** The parameters of a query for the notifications of a recipient. */
export function recipientValues(app: string, recipient: Recipient): { recipient: string; crc: number } {
  const key = recipientKey(recipient);
  return { recipient: key, crc: recipientCrc(app, key) };
}
