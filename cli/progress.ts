import { SingleBar } from "cli-progress";

export interface Progress {
  add(count: number): void;
  set(done: number, total: number): void;
  end(): void;
}

/** A progress bar, or nothing if stderr is not a terminal. Without `total` only a count is shown. */
export function createProgress(what: string, total?: number): Progress {
  if (!process.stderr.isTTY) return { add() {}, set() {}, end() {} };
  const format = total === undefined ? `  ${what} {value}` : `  ${what} {bar} {value}/{total}`;
  const bar = new SingleBar({
    format,
    stream: process.stderr,
    hideCursor: true,
    barsize: 30,
    barCompleteChar: "█",
    barIncompleteChar: "░",
  });
  bar.start(total ?? 0, 0);
  return {
    add: (count) => bar.increment(count),
    set(done, newTotal) {
      bar.setTotal(newTotal);
      bar.update(done);
    },
    end: () => bar.stop(),
  };
}
