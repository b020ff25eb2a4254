import {
  ChannelCredentials,
  type Client,
  type ClientOptions,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type MethodDefinition,
} from "@grpc/grpc-js";
import type { Certificates } from "../tls/grpc-tls.ts";
import { inject } from "../tracing.ts";
import { BATCH_BYTES_MAX } from "./limits.ts";

/** Default deadline of a call, equal to the longest our servers work on one. */
export const CALL_MS = 10_000;
/** A server that disappeared without closing the connection is detected after the sum of both, also between calls. */
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
/**
 * From one resolution of the server's name to the next, when a connection ends. With the library's 30 s a rollout that replaces every pod within
 * them leaves a client without a server until they have passed.
 */
const RESOLVE_EVERY_MS = 2_000;

/**
 * Every method may be repeated: sends carry idempotency keys, and the others are idempotent. So calls that fail with UNAVAILABLE, and no others,
 * are retried within the deadline, until a tenth of the calls fail. Round robin over all addresses (gRPC A6, Client Retries).
 */
export const SERVICE_CONFIG = JSON.stringify({
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.1s",
        maxBackoff: "2s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
  retryThrottling: { maxTokens: 10, tokenRatio: 0.1 },
});

export interface ClientParts {
  /** API key, sent as "authorization: Bearer". Unencrypted without TLS. */
  token?: string;
  /** The trusted CAs, and the certificate for a server that asks for one. Undefined: plain text. */
  tls?: Pick<Certificates, "forClient"> | undefined;
}

/**
 * @param Service a client class of gen/
 * @param address host:port, or dns:///name:port to balance calls over all its addresses
 */
export function createClient<C extends Client>(
  Service: new (address: string, credentials: ChannelCredentials, options?: Partial<ClientOptions>) => C,
  address: string,
  { token, tls }: ClientParts = {},
): C & Disposable {
  const credentials = tls?.forClient() ?? ChannelCredentials.createInsecure();
  const client = new Service(address, credentials, {
    "grpc.max_receive_message_length": BATCH_BYTES_MAX,
    "grpc.max_send_message_length": BATCH_BYTES_MAX,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.dns_min_time_between_resolutions_ms": RESOLVE_EVERY_MS,
    "grpc.service_config": SERVICE_CONFIG,
    // A DNS TXT record must not change our retries.
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    // A proxy of the environment would be sent tokens, and does not reach loopback or the cluster.
    "grpc.enable_http_proxy": 0,
    ...(token ? { interceptors: [bearer(token)] } : {}),
  });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

const bearer =
  (token: string): Interceptor =>
  (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        metadata.set("authorization", `Bearer ${token}`);
        next(metadata, listener);
      },
    });

export interface CallOptions {
  metadata?: Metadata;
  /** How long the answer may take, in ms. */
  deadlineMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * One unary call: `callUnary(client, NotificationServiceService.sendNotification, request)`. Passes the trace on. Rejects with a ServiceError,
 * which readDetails() reads; CANCELLED when the signal aborts.
 */
export function callUnary<Request, Response>(
  client: Client,
  method: Pick<MethodDefinition<Request, Response>, "path" | "requestSerialize" | "responseDeserialize">,
  request: Request,
  { metadata = new Metadata(), deadlineMs = CALL_MS, signal }: CallOptions = {},
): Promise<Response> {
  const carried = metadata.clone();
  inject((key, value) => carried.set(key, value));
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method;
    const options = { deadline: Date.now() + deadlineMs };
    const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, carried, options, (error, response) => {
      signal?.removeEventListener("abort", cancel);
      if (error) reject(error);
      else resolve(response as Response);
    });
    const cancel = () => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
  });
}
