import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { type LogFile, openLogFile } from "../../../adapters/sqlite/log-file.ts";
import { diskFault } from "./failing-log.ts";

/**
 * What a disk has of the log of one SQLite file, and what the power would leave of it. As Linux does it: bytes that the disk did not take count as written, stay
 * readable, and each descriptor that was open then is told once, at its next flush.
 */
export class FragileDisk {
  /** Whether the disk takes what is flushed. */
  takes = true;
  /** Flushes wait for this. */
  until: Promise<void> | undefined;
  flushes = 0;
  readonly #path: string;
  #onDisk = Buffer.alloc(0);
  /** Positions that count as written, with the bytes that the disk does not have. */
  readonly #lost = new Map<number, number>();
  #failures = 0;

  /** @param path of the SQLite file */
  constructor(path: string) {
    this.#path = path;
  }

  readonly open = (path: string): LogFile => {
    const file = openLogFile(path);
    let told = this.#failures;
    const flush = () => {
      this.#flush(readFileSync(path));
      if (told === this.#failures) return;
      told = this.#failures;
      throw diskFault();
    };
    return {
      read: file.read,
      write: (bytes, position) => {
        for (let i = 0; i < bytes.length; i++) this.#lost.delete(position + i);
        file.write(bytes, position);
      },
      flush: async () => {
        this.flushes++;
        await this.until;
        flush();
      },
      flushNow: () => {
        this.flushes++;
        flush();
      },
      close: file.close,
    };
  };

  #flush(log: Buffer): void {
    const next = Buffer.alloc(log.length);
    let isShort = false;
    for (let i = 0; i < log.length; i++) {
      const [is, was] = [log[i]!, this.#onDisk[i] ?? 0];
      if (this.#lost.get(i) !== is) this.#lost.delete(i);
      const reaches = is === was || (this.takes && !this.#lost.has(i));
      next[i] = reaches ? is : was;
      if (reaches || this.#lost.has(i)) continue;
      this.#lost.set(i, is);
      isShort = true;
    }
    this.#onDisk = next;
    if (isShort) this.#failures++;
  }

  /** Copies what a power failure would leave: the file, which SQLite flushes itself before it needs it, and what the disk has of its log. */
  powerFailure(copy: string): void {
    copyFileSync(this.#path, copy);
    writeFileSync(`${copy}-wal`, this.#onDisk);
  }
}
