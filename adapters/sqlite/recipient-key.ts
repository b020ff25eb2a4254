import type { Recipient } from "../../core/delivery/notification.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { endpointId } from "../ids.ts";

/** By which the notifications of a recipient are found: of an address that was given outright, its hash. */
export const recipientKey = (recipient: Recipient): string =>
  recipient.kind === "user" ? userSubject(recipient.userId) : endpointSubject(endpointId(recipient.endpoint));
