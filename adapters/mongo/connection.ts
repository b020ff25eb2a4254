// mongodb 7.9 never settles a command whose connection closes before the command is completely written: it waits for the socket's 'drain' or
// 'error', and a socket destroyed by the driver's own time-out or closed by the server emits neither. The caller hangs; if it is a monitor, this
// process never finds its server again. connection.test.ts fails once the driver is fixed and this class can go.
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
