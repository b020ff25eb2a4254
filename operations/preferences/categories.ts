import type { AppStore } from "../../core/ports/app-store.ts";
import { CATEGORIES_LENGTH_MAX, CATEGORIES_MAX, type Category, categoryFaults, withCategory } from "../../core/preferences/category.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { unknownApp } from "../apps/apps.ts";

/** Creates categories of an app, or replaces those of the same names: all of them, or none. Returns all that the app has then. */
export async function putCategories(apps: AppStore, id: string, categories: readonly Category[]): Promise<Category[]> {
  const faults = categories.flatMap((category) =>
    categoryFaults(category).map(({ field, message }) => `${category.name}.${field}: ${message}`),
  );
  if (faults.length > 0) throw new OperatorError(faults.join("; "));
  return edit(apps, id, (before) =>
    categories.reduce<Category[]>((all, category) => {
      const next = withCategory(all, category);
      if (!next)
        throw new OperatorError(
          `app ${id} would have more than ${CATEGORIES_MAX} categories, or more than ${CATEGORIES_LENGTH_MAX} characters of them; delete some, or shorten labels`,
        );
      return next;
    }, before),
  );
}

/** What people chose about it stays. */
export const deleteCategory = (apps: AppStore, id: string, name: string): Promise<Category[]> =>
  edit(apps, id, (before) => {
    const left = before.filter((category) => category.name !== name);
    if (left.length === before.length)
      throw new OperatorError(`app ${id} has no category ${name}; \`carillon category list --app ${id}\` shows them`);
    return left;
  });

async function edit(apps: AppStore, id: string, change: (before: Category[]) => Category[]): Promise<Category[]> {
  const { categories = [] } = await apps.change(id, (app) => {
    if (!app) throw unknownApp(id);
    return { ...app, categories: change(app.categories ?? []) };
  });
  return categories;
}
