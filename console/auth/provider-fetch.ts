import type { CustomFetch } from "openid-client";

/** One request to the issuer, in ms: finishing a sign-in takes three of them, and a route may take 10 s. */
export const ISSUER_MS_MAX = 3_000;
/** Bytes of an answer: a token with a thousand groups takes some 50 kB, a set of keys some 10 kB. */
export const ISSUER_BYTES_MAX = 262_144;

/** Requests to the issuer and to the endpoints that its metadata names: with a deadline, a bound, and no redirects. */
export const providerFetch: CustomFetch = async (url, options) => {
  const deadline = AbortSignal.timeout(ISSUER_MS_MAX);
  const { body, headers, method } = options;
  const answer = await fetch(url, {
    ...{ method, headers: { ...headers }, redirect: "manual" },
    signal: options.signal ? AbortSignal.any([options.signal, deadline]) : deadline,
    ...(body ? { body: body as NonNullable<RequestInit["body"]> } : {}),
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > ISSUER_BYTES_MAX) throw new Error(`the issuer's answer has more than ${ISSUER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  // A Response without a body may have none of these.
  const isEmpty = [204, 205, 304].includes(answer.status);
  return new Response(isEmpty ? null : Buffer.concat(chunks), { status: answer.status, headers: answer.headers });
};
