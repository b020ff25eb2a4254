/** A request as received, over HTTP/1.1 or HTTP/2. */
export interface WireRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  /** Names as sent, repeated ones repeated. */
  headerNames: readonly string[];
  body: Buffer;
  connection: Connection;
}

/** What a simulator may do to the connection of its request. */
export interface Connection {
  /** HTTP/2: how many streams the client may open from now on. On HTTP/1.1: no effect. */
  allowStreams(count: number): void;
  /** SHA-256 of the certificate that the client proved to have, as Node writes it; undefined: none was asked for or shown. */
  clientCertificate(): string | undefined;
}

export interface WireAnswer {
  status: number;
  headers?: Readonly<Record<string, string>> | undefined;
  body?: string | undefined;
}

/** The recipient and content of a send; "" for what cannot be read. */
export interface Sent {
  deliveryId: string;
  attemptId: string;
  recipient: string;
  /** Which of the provider's accounts the request says it is of; absent where the provider knows one. */
  account?: string | undefined;
  /** Decoded, without credentials. */
  payload: unknown;
}

export interface Judgement {
  /** The provider takes responsibility for the message. */
  accepted: boolean;
  /** Short, for the ledger: "200", "410 Unregistered". */
  code: string;
  answer: WireAnswer;
}

/** A request that is not a send: a token exchange or a status query. */
export interface SideRequest {
  /** Set where faults can be ordered for it. */
  faultTarget?: string | undefined;
  /** @param lagMs how far a status query's index is behind: messages accepted later are not found yet */
  answer(lagMs: number): WireAnswer;
}

/** One provider's behaviour over HTTP. `read` never throws and has no side effects; `judge` may have some. */
export interface HttpSimulator {
  /** Longer bodies are truncated to this and one byte more; it is above every limit by which a provider rejects a body. */
  bodyBytesMax: number;
  /** undefined: the request is a send, valid or not. */
  sideRequest?(request: WireRequest): SideRequest | undefined;
  read(request: WireRequest): Sent;
  judge(request: WireRequest, sent: Sent): Judgement;
  /** Whether this answer with a 2xx status says that nothing was accepted. Absent: the provider says that by the status alone. */
  isRefusal?(answer: WireAnswer): boolean;
}

export const jsonAnswer = (status: number, body: unknown, headers: Record<string, string> = {}): WireAnswer => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});
