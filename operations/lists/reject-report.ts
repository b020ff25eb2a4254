import { closeSync, existsSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { type Row, type RowFault, shapeOf } from "./row.ts";
import { withFile } from "./with-file.ts";

/** The report of an import: a JSON line for each rule that a record breaks. It holds no value, only what the value looks like. */
interface RejectReport extends Disposable {
  readonly path: string;
  readonly bytes: number;
  add(line: number, row: Row | undefined, faults: readonly RowFault[]): void;
}

/** @param keep bytes of an interrupted import's report that stay; what was written after them is written again */
export function openRejectReport(path: string, keep: number): RejectReport {
  // Somebody may have taken it away.
  let bytes = keep > 0 && existsSync(path) ? keep : 0;
  let file: number | undefined;
  withFile(path, "written", () => {
    if (bytes === 0) return rmSync(path, { force: true });
    file = openSync(path, "r+");
    return ftruncateSync(file, bytes);
  });
  return {
    path,
    get bytes() {
      return bytes;
    },
    add(line, row, faults) {
      file ??= withFile(path, "written", () => openSync(path, "w", 0o600));
      for (const { field, rule, message } of faults) {
        const value = field === "" ? undefined : shapeOf(row?.[field]);
        bytes += writeSync(file, `${JSON.stringify({ line, field, rule, message, value })}\n`, bytes);
      }
    },
    [Symbol.dispose]: () => {
      if (file !== undefined) closeSync(file);
    },
  };
}
