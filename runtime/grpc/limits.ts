import { getHeapStatistics } from "node:v8";

// What one listener grants its callers. docs/calling.md tells them; docs/security.md adds up what it means for memory.

const MIB = 1024 * 1024;

/** Bytes of one message of a method without a limit of its own: one notification with a large e-mail is a tenth of it. */
export const MESSAGE_BYTES_MAX = MIB;
/** Bytes of one BatchSendNotifications request: 1,000 notifications at their largest usual size, 16 kB each. */
export const BATCH_BYTES_MAX = 16 * MIB;
/** Bytes of one message whose type is not in gen/, such as KEDA's: its fields cannot be counted before it is decoded. KEDA sends less than 4 kB. */
export const UNCOUNTED_MESSAGE_BYTES_MAX = 16 * 1024;
/** Bytes of one message to health or reflection, which anybody may call: the name of a service or a file. */
export const OPEN_MESSAGE_BYTES_MAX = 4 * 1024;

/** Connections of one listener: about 100 kB each with TLS. Each pod of each caller needs one. */
export const CONNECTIONS_MAX = 1_000;
/** Connections that the kernel holds until they are accepted. What it drops, the other end believes to be open. */
export const BACKLOG_MAX = 4_096;
/** Calls under way on one connection; further ones wait at the client. */
export const STREAMS_MAX = 100;
/**
 * Calls under way on a gateway at most; fewer while it is busy (call-limit.ts). An app may have as many as are free, so one alone has half. Without it a gateway
 * that is sent twice what it can take has thousands under way, each waits for seconds, and callers give up what it still works on.
 */
export const CALLS_MAX = 1_000;
/** Streams of health and reflection that may be open on one connection: a client needs one of each for each service that it calls. */
export const OPEN_STREAMS_PER_CONNECTION = 4;
/** Streams of reflection that may be open at once. */
export const OPEN_STREAMS_MAX = 100;
/** Calls of health and reflection on a connection that has carried no other admitted call; kubelets and load balancers make one or two. */
export const OPEN_CALLS_PER_SECOND = 20;
/** Requests on one stream of reflection: grpcurl needs one for each file of the contract, less than 20. */
export const OPEN_STREAM_MESSAGES_MAX = 200;
/**
 * HTTP/2 windows of a connection that has carried an admitted call: bytes that may be on their way before the listener reads them. Other connections
 * keep HTTP/2's 65,535 bytes, with which a batch of 9.8 MiB would take 12 s at a round trip of 80 ms; with these it takes 1 s. What arrives is charged
 * to the bytes under way before anything reads it, so larger windows take no memory beyond that ceiling.
 */
export const KNOWN_STREAM_WINDOW_BYTES = MIB;
export const KNOWN_CONNECTION_WINDOW_BYTES = 4 * MIB;
/** Calls that are rejected or reset, on a connection that has carried no admitted one; each costs half a millisecond of CPU. */
export const WASTED_CALLS_MAX = 100;
/** Bytes of the headers of one call: the API key and two trace headers are 1 kB. */
export const HEADER_BYTES_MAX = 16 * 1024;

/** From accepting a connection to the client's HTTP/2 settings, with the TLS handshake in between. Half of what a call may take. */
export const HANDSHAKE_MS = 5_000;
/** From a call's headers to the end of its request: the longest that a call may take. */
export const RECEIVE_MS = 10_000;
/** From a call's headers to its last byte of answer read: receiving, handling and reading take 10 s each at most. */
export const ANSWER_MS = 30_000;
/** A stream of reflection. grpcurl keeps one open during a call. */
export const OPEN_STREAM_MS = 60_000;
/** The longest deadline that a call can ask for; longer ones count as this, for some clients write "never" as a number. */
export const TIMEOUT_SECONDS_MAX = 86_400;

/**
 * Bytes of requests under way on one listener, from the first byte to the end of the call, as charged by the costs below. An eighth of the
 * heap, which leaves room for what a request becomes while it is handled. At least three of the listener's largest messages: a caller may hold
 * no more than is free, and half of it must hold one with its pieces and fields.
 */
export const requestBytesMax = (largestMessageBytes: number): number =>
  Math.max(3 * largestMessageBytes, getHeapStatistics().heap_size_limit / 8);
/** Charged for each piece in which a message arrives: its Buffer object and its share of the socket's buffer. */
export const PIECE_BYTES = 512;
/** Charged for each field of a decoded message: what it takes in objects and in the record made of it. */
export const FIELD_BYTES = 128;
/** RetryInfo of a call that is rejected because too many calls, or their bytes, are under way. */
export const OVERLOAD_WAIT_MS = 1_000;
