import type { Store } from "../core/ports/store.ts";
import { secretFile, text, type Values } from "./config.ts";
import { openStore } from "./store.ts";

export const storeVariables = {
  STORE_URL: text({
    reason: "mongodb://host,host/database?replicaSet=… in production, sqlite:PATH on a laptop; credentials do not belong here",
  }),
  STORE_USER: text({ default: "", reason: "MongoDB user; empty: none" }),
  STORE_PASSWORD_FILE: secretFile({ default: "", reason: "password of STORE_USER" }),
};

/** Opens the store the configuration names. */
export function openConfiguredStore(config: Values<typeof storeVariables>): Promise<Store> {
  if (config.STORE_USER === "") return openStore(config.STORE_URL);
  const user = `${encodeURIComponent(config.STORE_USER)}:${encodeURIComponent(config.STORE_PASSWORD_FILE)}`;
  return openStore(config.STORE_URL.replace(/^(mongodb(?:\+srv)?:\/\/)/, `$1${user}@`));
}
