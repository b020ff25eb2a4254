import { categoryFromProto, categoryToProto } from "../adapters/wire/categories.ts";
import type { AppRecord, AppStore } from "../core/ports/app-store.ts";
import { CATEGORIES_LENGTH_MAX, CATEGORIES_MAX, type Category, categoryFaults, withCategory } from "../core/preferences/category.ts";
import type {
  DeleteCategoryRequest,
  DeleteCategoryResponse,
  ListCategoriesRequest,
  ListCategoriesResponse,
  PutCategoryRequest,
  PutCategoryResponse,
} from "../gen/carillon/v1/category_service.ts";
import { callError, invalidRequest } from "../runtime/call-error.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import type { Handler } from "../runtime/handler.ts";
import type { Logger } from "../runtime/logger.ts";
import { withStore } from "./with-store.ts";

/** carillon.v1.CategoryService, for the app whose API key the caller showed. Each change is one log line. */
export interface CategoryHandlers {
  putCategory: Handler<PutCategoryRequest, PutCategoryResponse, AppRecord>;
  listCategories: Handler<ListCategoriesRequest, ListCategoriesResponse, AppRecord>;
  deleteCategory: Handler<DeleteCategoryRequest, DeleteCategoryResponse, AppRecord>;
}

export function createCategoryHandlers({ apps, log }: { apps: Pick<AppStore, "find" | "change">; log: Logger }): CategoryHandlers {
  const checkPut = compileValidator("carillon.v1.PutCategoryRequest");
  const checkDelete = compileValidator("carillon.v1.DeleteCategoryRequest");
  const change = (id: string, edit: (categories: readonly Category[]) => Category[]) =>
    apps.change(id, (app) => {
      // Its key was found a moment ago.
      if (!app) throw callError("NOT_FOUND", "NOT_FOUND", "the app does not exist any more");
      return { ...app, categories: edit(app.categories ?? []) };
    });

  return {
    async putCategory(request, { caller }) {
      const violations = checkPut(request);
      if (violations.length > 0 || !request.category) return invalidRequest(violations);
      const category = categoryFromProto(request.category);
      const faults = categoryFaults(category).map((fault) => ({ ...fault, field: `category.${fault.field}` }));
      if (faults.length > 0) return invalidRequest(faults);
      return withStore(async () => {
        await change(caller.id, (categories) => {
          const all = withCategory(categories, category);
          if (!all) throw tooMany;
          return all;
        });
        log.info({ app: caller.id, category: category.name, default: category.default }, "category put");
        return { category: categoryToProto(category) };
      });
    },

    listCategories: (_request, { caller }) =>
      // Read anew: the caller's record may be seconds old, and the category may just have been put.
      withStore(async () => ({ categories: ((await apps.find(caller.id))?.categories ?? []).map(categoryToProto) })),

    async deleteCategory(request, { caller }) {
      const violations = checkDelete(request);
      if (violations.length > 0) return invalidRequest(violations);
      return withStore(async () => {
        let deleted = false;
        await change(caller.id, (categories) => {
          const left = categories.filter(({ name }) => name !== request.name);
          deleted = left.length < categories.length;
          return left;
        });
        if (deleted) log.info({ app: caller.id, category: request.name }, "category deleted");
        return { deleted };
      });
    },
  };
}

const tooMany = callError(
  "FAILED_PRECONDITION",
  "TOO_MANY_CATEGORIES",
  `category: an app has at most ${CATEGORIES_MAX} categories, which have at most ${CATEGORIES_LENGTH_MAX} characters as JSON; delete some, or shorten their ` +
    "labels and tenant_defaults",
  {
    fields: [
      { field: "category", rule: "categories.max", message: `at most ${CATEGORIES_MAX}, and ${CATEGORIES_LENGTH_MAX} characters in all` },
    ],
  },
);
