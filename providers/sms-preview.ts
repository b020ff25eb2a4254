import type { SmsContent } from "../core/content/sms-content.ts";
import { ofAccount } from "./request-preview.ts";

/**
 * In place of a text's sender: the variable of an account that says who it is, with the name that it is looked for by.
 * @param prefix of the provider's variables
 */
export const previewedSender = (prefix: string, sms: SmsContent | undefined): string =>
  ofAccount(sms?.sender === undefined ? `${prefix}_FROM` : `${prefix}_SENDERS ${sms.sender}`);
