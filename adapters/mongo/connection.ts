// mongodb 7.9 waits for ever for a command whose connection closes before it is wholly written: it waits for the socket's 'drain' and hears
// its 'error', but a socket that is destroyed, by the driver's own time-out or by the server's end, has neither. Who gave the command
// hangs; where that is a monitor, this process never finds its server again. connection.test.ts tells when the driver has mended it.
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { MongoNetworkError } from "mongodb";

/** Of the driver's connection, which its types leave out, what is used here. */
interface DriverConnection {
  readonly socket: Socket;
  writeCommand(command: unknown, options: unknown): Promise<void>;
}
const { Connection } = createRequire(import.meta.url)("mongodb/lib/cmap/connection.js") as {
  Connection: new (...parts: readonly unknown[]) => DriverConnection;
};

/** Of the client's option `connectionType`. Its commands are written, or reject with a MongoNetworkError: the driver acts upon no other. */
export class WriteOrCloseConnection extends Connection {
  override async writeCommand(command: unknown, options: unknown): Promise<void> {
    if (this.socket.destroyed) throw closedError();
    const closed = Promise.withResolvers<never>();
    const onClose = () => closed.reject(closedError());
    this.socket.once("close", onClose);
    try {
      await Promise.race([super.writeCommand(command, options), closed.promise]);
    } catch (error) {
      throw error instanceof Error && error === this.socket.errored ? new MongoNetworkError(error.message, { cause: error }) : error;
    } finally {
      this.socket.off("close", onClose);
    }
  }
}

const closedError = () => new MongoNetworkError("the connection closed before the command was written");
