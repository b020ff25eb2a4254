// An OpenID Connect issuer that signs anybody in at once, and that can be told to answer wrongly.
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { close, listen } from "../../runtime/http/listen.ts";

export interface OidcIssuer extends AsyncDisposable {
  url: string;
  /** Claims of the next ID tokens, over the usual ones. */
  claims: JWTPayload;
  /** What signs the next ID tokens: the published key, one that only says so, the published key as if it were a secret (HS256), or none. */
  signature: "own" | "forged" | "confused" | "none";
  /** In the query of the next callbacks, besides code and state. */
  callback: Record<string, string>;
  /** Paths that were asked for. */
  asked: string[];
  /** A new key signs from now on, and the old one is published no longer. */
  rotate(): Promise<void>;
}

export async function startOidcIssuer(clientId: string): Promise<OidcIssuer> {
  const codes = new Map<string, { nonce: string | null; challenge: string | null }>();
  let key = await newKey();
  const server = createServer((request, response) => void answer(request.url ?? "/", request, response));
  const port = await listen(server, { host: "127.0.0.1", port: 0 });
  const issuer: OidcIssuer = {
    ...{ url: `http://127.0.0.1:${port}`, claims: {}, signature: "own", callback: {}, asked: [] },
    async rotate() {
      key = await newKey();
    },
    [Symbol.asyncDispose]: () => close(server, 100),
  };

  async function idToken(nonce: string | null): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: issuer.url, aud: clientId, sub: "u1", iat: now, exp: now + 60, ...(nonce ? { nonce } : {}), ...issuer.claims };
    if (issuer.signature === "none") return new UnsecuredJWT(claims).encode();
    if (issuer.signature === "confused")
      return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: key.kid }).sign(Buffer.from(await exportSPKI(key.publicKey)));
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", kid: key.kid })
      .sign(issuer.signature === "forged" ? (await newKey()).privateKey : key.privateKey);
  }

  async function answer(target: string, request: AsyncIterable<Buffer>, response: import("node:http").ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(target, issuer.url);
    issuer.asked.push(pathname);
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (pathname === "/.well-known/openid-configuration")
      return void json(200, {
        issuer: issuer.url,
        ...{ authorization_endpoint: `${issuer.url}/authorize`, token_endpoint: `${issuer.url}/token`, jwks_uri: `${issuer.url}/jwks` },
        ...{ end_session_endpoint: `${issuer.url}/end`, response_types_supported: ["code"], code_challenge_methods_supported: ["S256"] },
        // As an issuer that takes more than it publishes keys for.
        id_token_signing_alg_values_supported: ["RS256", "HS256", "none"],
      });
    if (pathname === "/jwks") return void json(200, { keys: [{ ...key.jwk, kid: key.kid, alg: "RS256", use: "sig" }] });
    if (pathname === "/authorize") {
      const code = randomUUID();
      codes.set(code, { nonce: searchParams.get("nonce"), challenge: searchParams.get("code_challenge") });
      const back = new URL(searchParams.get("redirect_uri") ?? "");
      back.search = new URLSearchParams({ code, state: searchParams.get("state") ?? "", ...issuer.callback }).toString();
      return void response.writeHead(303, { location: back.href }).end();
    }
    if (pathname !== "/token") return void response.writeHead(404).end();
    const fields = new URLSearchParams(Buffer.concat(await Array.fromAsync(request)).toString());
    const code = codes.get(fields.get("code") ?? "");
    codes.delete(fields.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(fields.get("code_verifier") ?? "")
      .digest("base64url");
    if (code === undefined || code.challenge !== challenge) return void json(400, { error: "invalid_grant" });
    json(200, { access_token: randomUUID(), token_type: "Bearer", expires_in: 60, id_token: await idToken(code.nonce) });
  }
  return issuer;
}

async function newKey() {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  return { privateKey, publicKey, jwk: await exportJWK(publicKey), kid: randomUUID() };
}
