import type { AddressFilter } from "../../runtime/outbound.ts";
import { createHttp2Calls, type Http2Answer, type Http2Call } from "../transport/http2-calls.ts";
import type { ClientCertificate } from "../transport/provider-connections.ts";
import type { ApnsPush } from "./payload.ts";

/** Pushes at once on the one connection: what Apple allows once it has seen a valid token (at first it allows one). */
const STREAMS_MAX = 1_000;

export interface ApnsConnectionOptions {
  origin: string;
  ca: string;
  addressFilter: AddressFilter | undefined;
  deadlineMs: number;
  certificate: ClientCertificate | undefined;
}

/**
 * One connection for all pushes of an account in one environment, driven to Apple's limit of concurrent pushes. apns2's pool has 32
 * connections that carry one push each, which at 50 ms is 640 pushes a second.
 */
export interface ApnsConnection extends Disposable {
  /** Rejects with the transport's error. @param sender the app's bundle id, and the signing token, if any */
  send(push: ApnsPush, sender: { topic: string; jwt: string | undefined }, call: Http2Call): Promise<Http2Answer>;
}

export function createApnsConnection(connection: ApnsConnectionOptions): ApnsConnection {
  const calls = createHttp2Calls({ ...connection, streamsMax: STREAMS_MAX });
  let authorization = { jwt: "", headers: {} };
  return {
    send({ device, headers, body }, { topic, jwt }, call) {
      if (jwt !== undefined && jwt !== authorization.jwt) authorization = { jwt, headers: { authorization: `bearer ${jwt}` } };
      const path = `/3/device/${encodeURIComponent(device)}`;
      const all = { ":method": "POST", ":path": path, ...authorization.headers, "apns-topic": topic, ...headers };
      return calls.send({ headers: all, body }, call);
    },
    [Symbol.dispose]: () => calls[Symbol.dispose](),
  };
}
