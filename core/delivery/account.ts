/** The account that the role's own environment describes; attempts of earlier versions, which name none, were made with it. */
export const DEFAULT_ACCOUNT = "default";

/** Which account of a provider a delivery is sent with. */
export const accountOf = (_delivery: { app: string }): string => DEFAULT_ACCOUNT;

/** The account of a provider, an attempt or a receipt. */
export const accountNameOf = ({ account = DEFAULT_ACCOUNT }: { account?: string | undefined }): string => account;
