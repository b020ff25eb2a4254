// Preloaded into a process whose wall clock is to jump while it runs (node --import): Date is off by what CLOCK_OFFSET_FILE says, in ms.
// Timers and performance.now() are not affected, as when a machine's clock is set.
import { readFileSync, writeFileSync } from "node:fs";

const CHECK_EVERY_MS = 50;
const file = process.env.CLOCK_OFFSET_FILE ?? "";
const RealDate = Date;
let offsetMs = 0;

class ShiftedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(RealDate.now() + offsetMs);
    // The overloads of Date; TypeScript accepts spread arguments for one of them only.
    else super(...(given as [number]));
  }
  static override now(): number {
    return RealDate.now() + offsetMs;
  }
}

function check(): void {
  const asked = Number(readFileSync(file, "utf8"));
  if (!Number.isFinite(asked) || asked === offsetMs) return;
  offsetMs = asked;
  // Confirms to the test that the clock was shifted.
  writeFileSync(`${file}.${process.pid}`, String(ShiftedDate.now() - RealDate.now()));
}

if (file !== "") {
  globalThis.Date = ShiftedDate as DateConstructor;
  check();
  setInterval(check, CHECK_EVERY_MS).unref();
}
