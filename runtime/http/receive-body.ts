import type { IncomingMessage } from "node:http";

/** A body as it arrived, or why it was not read to its end. */
export type ReceivedBody<Why> = Buffer | "too-large" | "cut-off" | Why;

/**
 * Reads a body of at most `bytesMax`. What is not read yet when it stops stays with the sender.
 * @param onPiece called with the bytes of each piece
 * @param onEnd called once
 * @returns stops the reading for a reason of the caller's; does nothing once it has ended
 */
export function receiveBody<Why>(
  message: IncomingMessage,
  bytesMax: number,
  { onPiece, onEnd }: { onPiece(bytes: number): void; onEnd(body: ReceivedBody<Why>): void },
): (why: Why) => void {
  let pieces: Buffer[] = [];
  let length = 0;
  let hasEnded = false;
  const end = (body: ReceivedBody<Why>) => {
    if (hasEnded) return;
    hasEnded = true;
    message.off("data", onData).off("end", onWhole).off("close", onCut);
    message.pause();
    pieces = [];
    onEnd(body);
  };
  const onCut = () => end("cut-off");
  const onWhole = () => end(Buffer.concat(pieces, length));
  const onData = (piece: Buffer) => {
    length += piece.length;
    if (length > bytesMax) return end("too-large");
    pieces.push(piece);
    onPiece(piece.length);
  };
  // An error is followed by "close"; one that comes later concerns a body that nobody reads.
  message.on("error", () => undefined);
  message.on("data", onData).once("end", onWhole).once("close", onCut);
  return end;
}
