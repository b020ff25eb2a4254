import { categoryFromProto, categoryToProto } from "../../adapters/wire/categories.ts";
import type { Category } from "../../core/preferences/category.ts";
import { noPreferences } from "../../core/preferences/opt-out.ts";
import { Category as CategoryProto } from "../../gen/carillon/v1/category_service.ts";
import { findApp } from "../../operations/apps/apps.ts";
import { deleteCategory, putCategories } from "../../operations/preferences/categories.ts";
import { compileValidator } from "../../runtime/grpc/validate.ts";
import { changeApp, readApp } from "../apps/with-apps.ts";
import { type Command, count, fail } from "../command.ts";
import { LineError, readJson } from "../gateway/line-values.ts";
import { readMessage, writeMessage } from "../gateway/message-json.ts";
import { readText } from "../gateway/read-lines.ts";
import { withStore } from "../open-store.ts";
import { OPTIONAL_ORDER_USAGE, ORDER_OPTIONS } from "../order.ts";
import { printResult } from "../output.ts";
import { categoriesText, historyText, recordText } from "./report.ts";
import { readSubject, SUBJECT_OPTIONS, SUBJECT_USAGE } from "./subject.ts";

const APP = { app: { type: "string" } } as const;
const JSON_OPTION = { json: { type: "boolean" } } as const;
const HISTORY_LIMIT = 20;
/** Most changes that are shown: they are held in memory. */
const HISTORY_LIMIT_MAX = 10_000;

/** What apps write about, and what people chose, in the store that STORE_URL names. A change takes effect within 5 s. */
export const PREFERENCE_COMMANDS: Readonly<Record<string, Command>> = {
  "category put": {
    about: "creates categories of an app, or replaces them; FILE holds one as the API's JSON, or a list of them (STORE_URL)",
    usage: `FILE|- --app ID ${OPTIONAL_ORDER_USAGE}`,
    options: { ...APP, ...ORDER_OPTIONS },
    async run(invocation) {
      const [file, app] = [invocation.positionals[0] ?? fail("FILE is missing"), readApp(invocation)];
      const categories = await readCategories(file);
      return changeApp(invocation, { action: "category put", id: app }, ({ apps }) => putCategories(apps, app, categories), {
        words: () => `put ${categories.length === 1 ? categories[0]!.name : `${categories.length} categories`}`,
        shown: categoriesText,
      });
    },
  },
  "category list": {
    about: "lists an app's categories in their order; --json gives what category put takes (STORE_URL)",
    usage: "--app ID [--json]",
    options: { ...APP, ...JSON_OPTION },
    run(invocation) {
      const id = readApp(invocation);
      return withStore(invocation.env, async ({ apps }) => {
        const { categories = [] } = await findApp(apps, id);
        const toJson = (category: Category) => writeMessage(CategoryProto, "Category", categoryToProto(category));
        printResult(invocation.values, categories.map(toJson), () => categoriesText(categories));
      });
    },
  },
  "category delete": {
    about: "removes a category's settings; what people chose about it stays (STORE_URL)",
    usage: `NAME --app ID ${OPTIONAL_ORDER_USAGE}`,
    options: { ...APP, ...ORDER_OPTIONS },
    run(invocation) {
      const [name, app] = [invocation.positionals[0] ?? fail("NAME is missing"), readApp(invocation)];
      return changeApp(invocation, { action: "category delete", id: app }, ({ apps }) => deleteCategory(apps, app, name), {
        words: () => `deleted ${name}`,
        shown: categoriesText,
      });
    },
  },
  "preferences show": {
    about: "shows what a user or an endpoint chose, and what blocks it (STORE_URL)",
    usage: `--app ID ${SUBJECT_USAGE} [--json]`,
    options: { ...APP, ...SUBJECT_OPTIONS, ...JSON_OPTION },
    run(invocation) {
      const [app, subject] = [readApp(invocation), readSubject(invocation)];
      return withStore(invocation.env, async ({ apps, preferences }) => {
        await findApp(apps, app);
        const [record = noPreferences(app, subject)] = await preferences.find(app, [subject]);
        printResult(invocation.values, record, () => recordText(record));
      });
    },
  },
  "preferences history": {
    about: "shows who changed the preferences of a user or an endpoint, how and why, the latest first (STORE_URL)",
    usage: `--app ID ${SUBJECT_USAGE} [--limit N] [--json]`,
    options: { ...APP, ...SUBJECT_OPTIONS, ...JSON_OPTION, limit: { type: "string" } },
    run(invocation) {
      const { values } = invocation;
      const [app, subject] = [readApp(invocation), readSubject(invocation)];
      const limit = count(values.limit ?? HISTORY_LIMIT, "--limit", HISTORY_LIMIT_MAX);
      return withStore(invocation.env, async ({ apps, preferences }) => {
        await findApp(apps, app);
        const entries = await preferences.history(app, subject, Number.MAX_SAFE_INTEGER, limit);
        printResult(values, entries, () => historyText(entries));
      });
    },
  },
};

/** @param file "-": standard input */
async function readCategories(file: string): Promise<Category[]> {
  const check = compileValidator("carillon.v1.Category");
  try {
    const json = readJson(await readText(file));
    return (Array.isArray(json) ? json : [json]).map((item: unknown, i) => {
      const path = Array.isArray(json) ? `[${i}]` : "";
      const category = readMessage(CategoryProto, "Category", item, path);
      const [violation] = check(category);
      if (violation) fail(`${file}: ${path}${path && "."}${violation.field}: ${violation.message}`);
      return categoryFromProto(category);
    });
  } catch (error) {
    if (error instanceof LineError) fail(`${file}: ${error.message}`);
    throw error;
  }
}
