import { readFileSync } from "node:fs";
import { type Brand, COLOR } from "../../core/apps/brand.ts";
import { findApp } from "../../operations/apps/apps.ts";
import { type BrandChange, clearBrand, setBrand } from "../../operations/apps/brand.ts";
import { logoOf } from "../../operations/apps/logo.ts";
import { type Command, fail, text } from "../command.ts";
import { OPTIONAL_ORDER_USAGE, ORDER_OPTIONS } from "../order.ts";
import { print } from "../output.ts";
import { changeApp, readId, withApps } from "./with-apps.ts";

const COLOR_OPTIONS = ["text-color", "mark", "mark-dark"] as const;

/** How an app looks on the pages that its recipients see (docs/preference-page.md). */
export const BRAND_COMMANDS: Readonly<Record<string, Command>> = {
  "app brand set": {
    about: "sets how an app looks on its recipients' pages; what is not named stays (STORE_URL)",
    usage:
      "ID [--name en='Juniper Books'] [--color #1f5c4a [--text-color #ffffff] [--mark #1f5c4a] [--mark-dark #5fb497]] [--logo FILE.svg|FILE.png] " +
      OPTIONAL_ORDER_USAGE,
    options: {
      ...ORDER_OPTIONS,
      ...{ name: { type: "string", multiple: true }, color: { type: "string" }, logo: { type: "string" } },
      ...{ "text-color": { type: "string" }, mark: { type: "string" }, "mark-dark": { type: "string" } },
    },
    run: (invocation) => {
      const id = readId(invocation.positionals[0]);
      const change = readChange(invocation.values);
      return changeApp(invocation, { action: "app brand set", id }, ({ apps }) => setBrand(apps, id, change), {
        words: () => "set",
        shown: brandText,
      });
    },
  },
  "app brand show": {
    about: "shows how an app looks on its recipients' pages (STORE_URL)",
    usage: "ID",
    options: {},
    run: (invocation) => {
      const id = readId(invocation.positionals[0]);
      return withApps(invocation.env, async (apps) => print(brandText((await findApp(apps, id)).brand)));
    },
  },
  "app brand clear": {
    about: "takes an app's brand away: pages show its id and the colors of every app (STORE_URL)",
    usage: `ID ${OPTIONAL_ORDER_USAGE}`,
    options: ORDER_OPTIONS,
    run: (invocation) => {
      const id = readId(invocation.positionals[0]);
      return changeApp(invocation, { action: "app brand clear", id }, ({ apps }) => clearBrand(apps, id), {
        words: () => "cleared",
        shown: () => brandText(undefined),
      });
    },
  },
};

function readChange(values: Parameters<Command["run"]>[0]["values"]): BrandChange {
  const names = Object.fromEntries(listOf(values.name).map(readName));
  const [background, file] = [readColor(values.color, "--color"), text(values.logo)];
  const rest = COLOR_OPTIONS.map((option) => readColor(values[option], `--${option}`));
  if (background === undefined && rest.some((color) => color !== undefined)) fail("--color is missing: the other colors go with it");
  const [onIt, mark, markDark] = rest;
  const colors = background === undefined ? undefined : { background, ...defined({ text: onIt, mark, markDark }) };
  if (Object.keys(names).length === 0 && colors === undefined && file === undefined) fail("name at least one of --name, --color, --logo");
  return { names, colors, logo: file === undefined ? undefined : logoOf(readLogo(file)) };
}

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === "string") : []);

function readName(given: string): [tag: string, name: string] {
  const at = given.indexOf("=");
  return at > 0 ? [given.slice(0, at), given.slice(at + 1).trim()] : fail("--name must be like en='Juniper Books', or en= to take it away");
}

function readColor(value: unknown, option: string): string | undefined {
  const color = text(value)?.toLowerCase();
  return color === undefined || COLOR.test(color) ? color : fail(`${option} must be like #1f5c4a`);
}

function readLogo(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    return fail(`--logo cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

const defined = <T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: NonNullable<T[K]> };

/** As `carillon app brand set` takes it. */
function brandText(brand: Brand | undefined): string {
  const { names = {}, colors, logo } = brand ?? {};
  const lines = [
    ...Object.entries(names).map(([tag, name]) => `--name ${tag}=${name}`),
    ...(colors
      ? [`--color ${colors.background}`, `--text-color ${colors.text}`, `--mark ${colors.mark}`, `--mark-dark ${colors.markDark}`]
      : []),
    ...(logo ? [`--logo (${logo.type}, ${Buffer.byteLength(logo.base64, "base64")} bytes)`] : []),
  ];
  return lines.length > 0 ? lines.join("\n") : "none of its own: pages show the app's id, in the colors of every app";
}
