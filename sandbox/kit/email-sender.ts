/** The sender that every simulated e-mail provider knows as verified. */
export const EMAIL_SENDER = { address: "bells@carillon.dev", name: "Carillon" };

export const emailSenderEnv = { EMAIL_FROM: EMAIL_SENDER.address, EMAIL_FROM_NAME: EMAIL_SENDER.name };
