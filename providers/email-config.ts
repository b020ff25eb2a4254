import { text } from "../runtime/config.ts";

/** The sender that every e-mail provider uses. */
export const emailSenderVariables = {
  EMAIL_FROM: text({ default: "", reason: "sender's address; its domain must be verified with every provider listed" }),
  EMAIL_FROM_NAME: text({ default: "", reason: "sender's name as mail programs show it; empty: the address alone" }),
};
