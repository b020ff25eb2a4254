import { ms, secretFile } from "../infra/config.ts";

/** Variables every provider shares. */
export const providerVariables = {
  /** Certificates are no secret, but they come in by file as secrets do. */
  PROVIDER_CA_FILE: {
    ...secretFile({
      default: "",
      reason: "PEM file of further certificate authorities trusted for providers (a proxy, the sandbox); empty: the system's alone",
    }),
    secret: false,
  },
  PROVIDER_DEADLINE_MS: ms(100, 120_000, {
    default: "10000",
    reason: "how long one call may take: far above any provider's usual answer, and short enough that a silent one does not hold its place",
  }),
};
