import { LRUCache } from "lru-cache";
import type { AppStore } from "../../core/ports/app-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { OptOutQuestion } from "../../core/ports/opt-outs.ts";
import type { ProfileStore } from "../../core/ports/profile-store.ts";
import { type Category, type CategoryDefault, defaultOf } from "../../core/preferences/category.ts";
import { OPT_OUT_BOUND } from "../../core/preferences/opt-out-bound.ts";

/** What was read is used for so long, in ms, from before the read: as long as what is known of opt-outs, so that the same bound holds for both. */
export const DEFAULTS_LIFE_MS = OPT_OUT_BOUND.trustMs + OPT_OUT_BOUND.cacheMs;
/** What is older, in ms, is read again beside the question that uses it, so that few wait for a read. */
const REFRESH_AFTER_MS = DEFAULTS_LIFE_MS / 2;
/** Apps whose categories are remembered: 100 categories of 200 bytes each at most, and most apps have ten. */
const APPS_MAX = 10_000;
/** Users whose tenant is remembered: those asked for within DEFAULTS_LIFE_MS in a category that has defaults for tenants. */
const USERS_MAX = 10_000;

type Asked = Pick<OptOutQuestion, "app" | "userId" | "channel" | "category">;
type Categories = ReadonlyMap<string, Category>;

export interface CategoryDefaults {
  /** What holds for who chose nothing, in the order of the questions; undefined where the store could not be read. Never rejects. */
  of(questions: readonly Asked[]): Promise<(CategoryDefault | undefined)[]>;
}

/** @param deps.read runs a read of the store, under a deadline: undefined where it failed */
export function createCategoryDefaults(deps: {
  apps: Pick<AppStore, "find">;
  profiles: Pick<ProfileStore, "find">;
  read: <T>(work: () => Promise<T>) => Promise<T | undefined>;
  clock: Pick<Clock, "monotonic">;
}): CategoryDefaults {
  const { apps, profiles, read, clock } = deps;
  const perf = { now: () => clock.monotonic() };
  const known = new LRUCache<string, { at: number; categories: Categories }>({ max: APPS_MAX });
  const reading = new Map<string, Promise<Categories | undefined>>();
  const tenants = new LRUCache<string, { tenant: string | undefined }>({ max: USERS_MAX, ttl: DEFAULTS_LIFE_MS, ttlResolution: 0, perf });

  function readApp(app: string): Promise<Categories | undefined> {
    const before = reading.get(app);
    if (before) return before;
    const at = clock.monotonic();
    const asked = read(async () => {
      const { categories = [] } = (await apps.find(app)) ?? {};
      return new Map(categories.map((category) => [category.name, category]));
    })
      .then((categories) => {
        if (categories) known.set(app, { at, categories });
        return categories;
      })
      .finally(() => reading.delete(app));
    reading.set(app, asked);
    return asked;
  }

  /** At once where it is known. */
  function categoriesOf(app: string): Categories | Promise<Categories | undefined> {
    const found = known.get(app);
    const age = found ? clock.monotonic() - found.at : Number.POSITIVE_INFINITY;
    const again = age > REFRESH_AFTER_MS ? readApp(app) : undefined;
    return found && age <= DEFAULTS_LIFE_MS ? found.categories : again!;
  }

  const keyOf = (app: string, userId: string) => `${app}\0${userId}`;

  /** The tenant of each, by keyOf(); those that could not be read are missing. */
  async function tenantsOf(app: string, userIds: ReadonlySet<string>): Promise<[string, { tenant: string | undefined }][]> {
    const found = [...userIds].map((userId) => [keyOf(app, userId), tenants.get(keyOf(app, userId))] as const);
    const wanted = [...userIds].filter((_, i) => found[i]![1] === undefined);
    const start = clock.monotonic();
    const records = wanted.length > 0 ? await read(() => profiles.find(app, wanted)) : [];
    const ofUser = new Map(records?.map(({ userId, profile }) => [userId, profile.tenant]));
    const fresh = records ? wanted.map((userId) => [keyOf(app, userId), { tenant: ofUser.get(userId) }] as const) : [];
    for (const [key, value] of fresh) tenants.set(key, value, { start });
    return [...found, ...fresh].flatMap(([key, value]): [string, { tenant: string | undefined }][] => (value ? [[key, value]] : []));
  }

  return {
    async of(questions) {
      // At once, so that a store that hangs costs one deadline; the batch, of at most 1,000 questions, bounds how many.
      const apps = [...new Set(questions.map(({ app }) => app))];
      const ofApps = new Map(await Promise.all(apps.map(async (app) => [app, await categoriesOf(app)] as const)));
      const categoryOf = ({ app, category }: Asked) => ofApps.get(app)?.get(category);
      const byTenant = new Map<string, Set<string>>();
      for (const question of questions) {
        const { app, userId } = question;
        if (userId === undefined || !categoryOf(question)?.tenantDefaults) continue;
        byTenant.set(app, (byTenant.get(app) ?? new Set()).add(userId));
      }
      const ofUsers = new Map((await Promise.all([...byTenant].map(([app, userIds]) => tenantsOf(app, userIds)))).flat());
      return questions.map((question) => {
        const { app, userId, channel } = question;
        if (!ofApps.get(app)) return undefined;
        const category = categoryOf(question);
        if (userId === undefined || !category?.tenantDefaults) return defaultOf(category, channel);
        const user = ofUsers.get(keyOf(app, userId));
        return user && defaultOf(category, channel, user.tenant);
      });
    },
  };
}
