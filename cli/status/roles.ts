export interface RoleStatus {
  name: string;
  isReady: boolean;
  /** "ready", or why not: a condition of /readyz?verbose that does not hold, or that there is no answer. */
  words: string[];
}

/** Longest wait for a role, in ms: it answers within milliseconds. */
const ASK_MS = 2_000;

/** What each role says of itself, all asked at the same time. */
export const readRoles = (roles: readonly { name: string; address: string }[]): Promise<RoleStatus[]> =>
  Promise.all(
    roles.map(async ({ name, address }) => {
      try {
        const answer = await fetch(`http://${address}/readyz?verbose`, { signal: AbortSignal.timeout(ASK_MS) });
        const lines = (await answer.text()).trim().split("\n");
        const missing = lines.filter((line) => line.startsWith("[-] ")).map((line) => line.slice("[-] ".length));
        return { name, isReady: answer.ok, words: [answer.ok ? "ready" : "not ready", ...missing] };
      } catch {
        return { name, isReady: false, words: [`no answer from ${address} within ${ASK_MS / 1_000} s`] };
      }
    }),
  );
