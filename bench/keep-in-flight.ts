/** Concurrent sends: as many as connections to a provider over HTTP/1.1, so that none waits for one. */
const IN_FLIGHT = 128;

/**
 * Does something `times` times, with IN_FLIGHT at once. Rejects where one of them does.
 * @param makeSender called once for each of those at once
 * @returns ms
 */
export async function keepInFlight(times: number, makeSender: () => () => Promise<void>): Promise<number> {
  const began = performance.now();
  let started = 0;
  const sender = async () => {
    const send = makeSender();
    while (started++ < times) await send();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  return performance.now() - began;
}
