/**
 * For a store that cannot answer any more. Ends the process after this event-loop turn, so that the calls under way are rejected first. Its supervisor starts it
 * again, and opening the file repairs what can be repaired.
 */
export function endProcess(error: Error): void {
  setImmediate(() => {
    process.stderr.write(`carillon: ${error.message}\n`);
    process.exit(1);
  });
}
