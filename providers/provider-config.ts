import { listOf, ms, type Variable, watchedSecretFile } from "../runtime/config.ts";
import { isAddressRange } from "../runtime/outbound.ts";
import { certificatesOf } from "../runtime/tls/tls-files.ts";

const caFile = watchedSecretFile({
  default: "",
  reason: "PEM file of further certificate authorities trusted for providers (a proxy, the sandbox); empty: the system's alone",
});

/** Variables every provider shares. */
export const providerVariables = {
  /** Certificates are no secret, but they come in by file as secrets do. */
  PROVIDER_CA_FILE: {
    ...caFile,
    secret: false,
    parse(path) {
      const pem = caFile.parse(path);
      // OpenSSL ignores what is not a certificate without an error, and then every provider would be untrusted.
      const authorities = pem === "" ? [] : certificatesOf(Buffer.from(pem));
      if (typeof authorities === "string") throw new Error(authorities);
      return pem;
    },
  } satisfies Variable<string>,
  OUTBOUND_ALLOWED_ADDRESSES: listOf(isAddressRange, "addresses, or ranges as address/prefix", {
    default: "",
    reason:
      "internal addresses that providers' host names may resolve to, for a sandbox or a proxy of your own; empty: only public ones are called. An origin you set yourself, other than the default, may be anywhere; push URLs may not",
  }),
  PROVIDER_DEADLINE_MS: ms(100, 120_000, {
    default: "10000",
    reason:
      "how long one call may take: far above any provider's usual answer, and short enough that a silent provider does not occupy connections for long",
  }),
};
