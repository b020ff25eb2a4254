/** A request as it came off the wire, whichever version of HTTP carried it. */
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

/** What a play may do to the connection its request came on. */
export interface Connection {
  /** HTTP/2: how many streams the client may open from now on. Nothing on HTTP/1.1. */
  allowStreams(count: number): void;
}

export interface WireAnswer {
  status: number;
  headers?: Readonly<Record<string, string>> | undefined;
  body?: string | undefined;
}

/** Who a send was for and what it said, as far as that can be read; "" where it cannot. */
export interface Sent {
  deliveryId: string;
  attemptId: string;
  recipient: string;
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

export interface Aside {
  /** Set where faults can be ordered for it. */
  faultTarget?: string | undefined;
  /** @param lagMs how far a status query's index is behind: what was taken later is not found yet */
  answer(lagMs: number): WireAnswer;
}

/** One provider's behaviour. `read` never throws and changes nothing; `judge` may remember. */
export interface Play {
  /** Of longer bodies the rest is not kept; all are long enough to be rejected by their size. */
  bodyBytesMax: number;
  /** What is no send: token exchange, status queries. undefined: it is a send, or at least a wrong one. */
  aside?(request: WireRequest): Aside | undefined;
  read(request: WireRequest): Sent;
  judge(request: WireRequest, sent: Sent): Judgement;
}

export const jsonAnswer = (status: number, body: unknown, headers: Record<string, string> = {}): WireAnswer => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});
