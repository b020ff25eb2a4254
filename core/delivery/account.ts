/** The account that the role's own environment describes; attempts of earlier versions, which name none, were made with it. */
export const DEFAULT_ACCOUNT = "default";

export const ACCOUNT_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
export const ACCOUNT_NAME_RULE = "must be 1 to 63 of a-z, 0-9 and -, and begin with a letter or digit";

/** The account of a provider, an attempt or a receipt. */
export const accountNameOf = ({ account = DEFAULT_ACCOUNT }: { account?: string | undefined }): string => account;
