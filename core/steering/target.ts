import { APP_ID } from "../apps/app.ts";
import { ACCOUNT_NAME } from "../delivery/account.ts";
import { CHANNELS, CLASSES } from "../delivery/channel.ts";

export const TARGET_KINDS = ["channel", "class", "app", "account"] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

/** What operators pause: one part of the traffic, never all of it. */
export interface Target {
  kind: TargetKind;
  /** A channel, a class, an app's id; `provider/account`, or `provider` for all of its accounts. */
  value: string;
}

/** `channel:sms`; the target's name in the store, in reasons and on command lines. */
export const targetKey = ({ kind, value }: Target): string => `${kind}:${value}`;

/** Whether an account belongs to both: they are the same, or one is all accounts of the other's provider. Pure. */
export const shareAccount = (a: Target, b: Target): boolean =>
  a.kind === "account" &&
  b.kind === "account" &&
  (a.value === b.value || a.value.startsWith(`${b.value}/`) || b.value.startsWith(`${a.value}/`));

export const TARGET_RULE = "must be channel:NAME, class:NAME, app:ID, account:PROVIDER or account:PROVIDER/ACCOUNT";

/**
 * Reads a target as an operator writes it: its key, or only the name of a channel, a class or a provider's account (`sms`, `marketing`, `NAME/eu`).
 * Returns what is wrong with it otherwise, in words.
 * @param providers names of all providers
 */
export function readTarget(text: string, providers: readonly string[]): Target | { fault: string } {
  const colon = text.indexOf(":");
  const [kind, value] = colon < 0 ? [kindOfName(text, providers), text] : [text.slice(0, colon), text.slice(colon + 1)];
  if (!TARGET_KINDS.some((k) => k === kind)) return { fault: TARGET_RULE };
  const target = { kind: kind as TargetKind, value };
  const fault = valueFault(target, providers);
  return fault === undefined ? target : { fault };
}

function kindOfName(name: string, providers: readonly string[]): TargetKind | undefined {
  if (CHANNELS.some((channel) => channel === name)) return "channel";
  if (CLASSES.some((c) => c === name)) return "class";
  return providers.includes(name.split("/")[0]!) ? "account" : undefined;
}

function valueFault({ kind, value }: Target, providers: readonly string[]): string | undefined {
  switch (kind) {
    case "channel":
      return CHANNELS.some((channel) => channel === value) ? undefined : `channel must be one of ${CHANNELS.join(", ")}`;
    case "class":
      return CLASSES.some((c) => c === value) ? undefined : `class must be one of ${CLASSES.join(", ")}`;
    case "app":
      return APP_ID.test(value) ? undefined : "app must be an app's id";
    case "account": {
      const [provider = "", account, ...more] = value.split("/");
      if (!providers.includes(provider)) return `account must begin with a provider: ${providers.join(", ")}`;
      return more.length === 0 && (account === undefined || ACCOUNT_NAME.test(account))
        ? undefined
        : "account must be PROVIDER or PROVIDER/ACCOUNT, with the account's name as in PROVIDER_ACCOUNTS_DIR";
    }
  }
}
