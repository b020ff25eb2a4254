import type { Opening } from "../delivery/circuit.ts";

/** What a pod knows of a circuit: open, or shown to work at that moment. */
export interface SharedCircuit {
  /** ms since the epoch, by the pod's clock: of two pods the later one knows more. */
  at: number;
  /** Its times in ms since the epoch; absent: closed. */
  open?: Opening | undefined;
}

/**
 * The circuits of a channel, as its pods see them. Best effort: they may be lost at any moment, and then each pod acts on what it sees itself. They
 * decide when calls are made, never whether a send is permitted.
 */
export interface SharedCircuits {
  /** By name; undefined where they cannot be read. Never rejects. */
  read(): Promise<ReadonlyMap<string, SharedCircuit> | undefined>;
  /** Never rejects. */
  write(name: string, circuit: SharedCircuit): Promise<void>;
  /**
   * Whether this pod makes the probe: false where another one has begun one within `ms`. True where that cannot be read. Never rejects.
   * @param holder whose probe it is, unique within the process
   */
  mayProbe(name: string, holder: string, ms: number): Promise<boolean>;
  /** The holder's probe has ended, or was not made; another one's that has begun since is not touched. Never rejects. */
  probeEnded(name: string, holder: string): Promise<void>;
}
