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
  /** Twilio: the Messaging Service that the sender is in. */
  service: string | undefined;
  /** Twilio: what Advanced Opt-Out takes it for. */
  optOutType: string | undefined;
  /** Vonage: how the account's webhook is set. */
  method: "GET" | "POST";
}
