import { defineProvider } from "../definition.ts";
import { apnsVariables, credentialsFault } from "./config.ts";

export const apns = defineProvider({
  name: "apns",
  title: "APNs",
  channel: "apns",
  variables: apnsVariables,
  requires: ["APNS_TOPIC"],
  credentialsFault,
  load: async () => (await import("./provider.ts")).createApnsProvider,
});
