import { randomBytes } from "node:crypto";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { samplePush } from "../../test/support/delivery-samples.ts";
import { describeProviderContract } from "../../test/support/provider-contract.ts";
import { apnsVariables } from "./config.ts";
import { createApnsProvider } from "./provider.ts";

const token = (end = "") => `${randomBytes(24).toString("hex")}${end}`;

describeProviderContract({
  name: "apns",
  create: (env) => createApnsProvider(readConfig(apnsVariables, env), { clock: systemClock }),
  delivery: () => samplePush({ channel: "apns", token: token("aa") }),
  deadDelivery: () => samplePush({ channel: "apns", token: token("dead") }),
  at: (origin, env, delivery) => ({ env: { ...env, APNS_ORIGIN: origin }, delivery }),
  wrongCredentials: (env) => ({ ...env, APNS_TEAM_ID: "NOBODY0000" }),
  unavailable: { status: 503, body: { reason: "ServiceUnavailable" } },
  replacementMarks: ({ headers }) => ({ collapseId: headers["apns-collapse-id"] }),
  throttled: { status: 429, body: { reason: "TooManyRequests" }, retryAfterMs: undefined },
});
