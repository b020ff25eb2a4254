// A TCP proxy that simulates network faults between a process of Carillon and a server.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

export interface Address {
  host: string;
  port: number;
}

export type LineFault =
  /** Requests are forwarded, replies are dropped, and the client's connection is reset. Absent `after`: every reply. */
  | { kind: "drop-replies"; after?: (request: Buffer) => boolean }
  /** Drops bytes in both directions and keeps the sockets open, also of new connections. */
  | { kind: "half-open" }
  /** Delays every chunk by this, in ms, in each direction. */
  | { kind: "latency"; ms: number }
  /** Limits the rate, in bytes per second and connection, in each direction. */
  | { kind: "drip"; bytesPerSecond: number }
  /** Resets open and new connections. */
  | { kind: "cut" }
  /** Ends open connections properly, as a stopping server does; new ones work. */
  | { kind: "end" };

export interface LineCounts {
  connections: number;
  bytes: number;
  /** Of those, how many came back. */
  replyBytes: number;
  swallowedBytes: number;
  droppedReplies: number;
  delayedBytes: number;
  drippedBytes: number;
  resets: number;
  ends: number;
}

export interface FaultyLine extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Since the start of the proxy. */
  readonly counts: Readonly<LineCounts>;
  /** undefined: forwards everything again; connections that lost bytes are reset. */
  set(fault: LineFault | undefined): void;
  /** Where connections lead that are made from now on; those that are open stay, as in a failover behind a service address. */
  retarget(targets: readonly Address[]): void;
}

/** Bytes read and not yet forwarded; beyond it the sender has to wait. */
const HELD_BYTES_MAX = 1_048_576;
/** How often a rate-limited connection forwards bytes, in ms. */
const DRIP_EVERY_MS = 50;

interface Pair {
  client: Socket;
  upstream: Socket;
  /** Bytes were dropped: nothing valid can follow. */
  torn: boolean;
  dropping: boolean;
}

/** @param first called for each connection; used in rotation, and one that does not answer is skipped, as behind a service address */
export async function startFaultyLine(first: readonly Address[]): Promise<FaultyLine> {
  let targets = first;
  const counts: LineCounts = {
    connections: 0,
    bytes: 0,
    replyBytes: 0,
    swallowedBytes: 0,
    droppedReplies: 0,
    delayedBytes: 0,
    drippedBytes: 0,
    resets: 0,
    ends: 0,
  };
  const pairs = new Set<Pair>();
  let fault: LineFault | undefined;
  let turn = 0;

  const reset = (pair: Pair) => {
    counts.resets++;
    pair.client.resetAndDestroy();
    pair.upstream.destroy();
  };

  const end = (pair: Pair) => {
    counts.ends++;
    pair.client.destroy();
    pair.upstream.destroy();
  };

  /** One direction: chunks in order, each with the current delay. */
  function carry(pair: Pair, from: Socket, to: Socket, isReply: boolean): void {
    let held = 0;
    let last: Promise<void> = Promise.resolve();
    from.on("data", (data: Buffer) => {
      if (fault?.kind === "half-open") {
        pair.torn = true;
        counts.swallowedBytes += data.length;
        return;
      }
      if (fault?.kind === "drop-replies") {
        if (!isReply) pair.dropping ||= fault.after?.(data) ?? true;
        else if (pair.dropping) {
          counts.droppedReplies++;
          counts.swallowedBytes += data.length;
          return reset(pair);
        }
      }
      held += data.length;
      if (isReply) counts.replyBytes += data.length;
      if (held > HELD_BYTES_MAX) from.pause();
      const arrivedAt = performance.now();
      last = last
        .then(() => pass(data, arrivedAt, to))
        .then(() => {
          held -= data.length;
          if (held <= HELD_BYTES_MAX) from.resume();
        });
    });
    from.on("end", () => void last.then(() => to.end()));
    from.on("close", () => void last.then(() => to.destroy()));
  }

  async function pass(data: Buffer, arrivedAt: number, to: Socket): Promise<void> {
    const slow = fault;
    counts.bytes += data.length;
    if (slow?.kind === "latency") {
      counts.delayedBytes += data.length;
      // A long line, not a narrow one: chunks travel at the same time.
      await delay(Math.max(0, arrivedAt + slow.ms - performance.now()));
    }
    if (slow?.kind !== "drip") return void (to.writable && to.write(data));
    const step = Math.max(1, Math.floor((slow.bytesPerSecond * DRIP_EVERY_MS) / 1_000));
    for (let at = 0; at < data.length && to.writable; at += step) {
      // Once the fault is over the rest is forwarded at once.
      const rest = fault?.kind !== "drip";
      const piece = data.subarray(at, rest ? data.length : at + step);
      to.write(piece);
      if (rest) return;
      counts.drippedBytes += piece.length;
      await delay(DRIP_EVERY_MS);
    }
  }

  async function reach(): Promise<Socket | undefined> {
    for (let tries = 0; tries < targets.length; tries++) {
      const target = targets[turn++ % targets.length]!;
      const socket = connect({ ...target, noDelay: true });
      const connected = await once(socket, "connect").then(
        () => true,
        () => false,
      );
      if (connected) return socket;
    }
    return undefined;
  }

  const server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
    client.on("error", () => undefined);
    counts.connections++;
    if (fault?.kind === "cut") {
      counts.resets++;
      return void client.resetAndDestroy();
    }
    void reach().then((upstream) => {
      if (upstream === undefined) return client.resetAndDestroy();
      upstream.on("error", () => undefined);
      const pair: Pair = { client, upstream, torn: false, dropping: false };
      pairs.add(pair);
      client.on("close", () => pairs.delete(pair));
      carry(pair, client, upstream, false);
      carry(pair, upstream, client, true);
      client.resume();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };

  return {
    address: `127.0.0.1:${port}`,
    port,
    counts,
    set(next) {
      fault = next;
      for (const pair of pairs) {
        if (pair.torn || next?.kind === "cut") reset(pair);
        else if (next?.kind === "end") end(pair);
      }
    },
    retarget(next) {
      targets = next;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const { client, upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
      if (server.listening) await once(server, "close").catch(() => undefined);
    },
  };
}
