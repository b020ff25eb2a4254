import type { ServerReadableStream } from "@grpc/grpc-js";
import { callError } from "../call-error.ts";
import type { EarlyEnd } from "./early-end.ts";

/**
 * The messages of a call, each when it is asked for: grpc-js reads 16 ahead, and what is behind them waits in the connection's window. Throws a CallError where the
 * next one does not come within `silentMs`, or the call has ended.
 */
export async function* messagesOf<Message>(
  call: ServerReadableStream<Message, unknown>,
  early: EarlyEnd,
  silentMs: number,
): AsyncGenerator<Message, void> {
  const messages: AsyncIterator<Message> = call[Symbol.asyncIterator]();
  const silent = callError("INVALID_ARGUMENT", "MALFORMED", `no message came for ${silentMs / 1_000} s, before the request ended`);
  for (;;) {
    const late = Promise.withResolvers<typeof silent>();
    const timer = setTimeout(late.resolve, silentMs, silent);
    try {
      // What grpc-js destroys a cancelled stream with says nothing; why it was cancelled does.
      const read = messages.next().catch(() => early.whenEnded);
      const next = await Promise.race([read, early.whenEnded, late.promise]);
      if ("kind" in next) throw next;
      if (next.done) return;
      yield next.value;
    } finally {
      clearTimeout(timer);
    }
  }
}
