import { openStore } from "../../adapters/store/open-store.ts";
import type { Role } from "../../console/session.ts";
import type { Store } from "../../core/ports/store.ts";
import { startTestConsole } from "./console.ts";

export interface TestApi extends AsyncDisposable {
  store: Store;
  get<T>(path: string): Promise<T>;
  /** With the status, and what it answers. */
  post(
    path: string,
    body: unknown,
    role?: Role,
  ): Promise<{ status: number; body: Record<string, unknown> & { error?: { message: string } } }>;
  asViewer<T>(path: string): Promise<T>;
}

/** The console's API over a store of its own, for an operator; and the same store for a viewer. */
export async function startTestApi(about: Parameters<typeof startTestConsole>[2] = {}): Promise<TestApi> {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openStore("sqlite::memory:"));
  const start = async (role: Role) => stack.use(await startTestConsole(store, { name: "mira@example.com", role }, about)).url;
  const urls: Record<Role, string> = { viewer: await start("viewer"), support: await start("support"), operator: await start("operator") };
  const read = async <T>(url: string, path: string) => (await (await fetch(`${url}${path}`)).json()) as T;
  const kept = stack.move();
  return {
    store,
    get: (path) => read(urls.operator, path),
    asViewer: (path) => read(urls.viewer, path),
    async post(path, body, role = "operator") {
      const headers = { origin: urls[role], "content-type": "application/json" };
      const response = await fetch(`${urls[role]}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
