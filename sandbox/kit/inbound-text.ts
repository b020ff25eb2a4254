/** A text that a person writes to a sender of an account. */
export interface InboundText {
  /** The person's number, with the plus. */
  from: string;
  /** The sender; absent: the account's own. */
  to: string | undefined;
  text: string;
  /** The provider's id of the text: the same id is the same text, told again. */
  id: string;
  /** Which of the provider's accounts; empty: the first. */
  account: string;
  /** The group of senders that the sender is in, where the provider has such. */
  service: string | undefined;
  /** What the provider takes it for, where it says so. */
  optOutType: string | undefined;
  /** How the account's webhook is set, where there is a choice. */
  method: "GET" | "POST";
}
