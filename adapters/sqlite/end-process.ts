/**
 * For a store that can answer nothing any more. Whoever runs the process starts it again, and opening the file puts right what can be. After this turn, in which calls
 * are rejected.
 */
export function endProcess(error: Error): void {
  setImmediate(() => {
    process.stderr.write(`carillon: ${error.message}\n`);
    process.exit(1);
  });
}
