import {
  BRAND_NAME_CHARS_MAX,
  BRAND_NAMES_MAX,
  type Brand,
  type BrandColors,
  brandColors,
  colorFaults,
  type Logo,
} from "../../core/apps/brand.ts";
import type { AppStore } from "../../core/ports/app-store.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { unknownApp } from "./apps.ts";

/** What to set; the rest stays. "" as a name takes it away. */
export interface BrandChange {
  names?: Readonly<Record<string, string>>;
  colors?: (Pick<BrandColors, "background"> & Partial<BrandColors>) | undefined;
  logo?: Logo | undefined;
}

const LANGUAGE_TAG = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;

/** Sets how an app looks on its recipients' pages; an OperatorError where people could not read it. */
export async function setBrand(apps: Pick<AppStore, "change">, id: string, { names = {}, colors, logo }: BrandChange): Promise<Brand> {
  const wanted = colors && brandColors(colors);
  const faults = [...nameFaults(names), ...(wanted ? colorFaults(wanted) : [])];
  if (faults.length > 0) throw new OperatorError(`brand of app ${id}: ${faults.join("; ")}`);
  const { brand } = await apps.change(id, (before) => {
    if (!before) throw unknownApp(id);
    const kept = Object.entries({ ...before.brand?.names, ...names }).filter(([, name]) => name !== "");
    if (kept.length > BRAND_NAMES_MAX) throw new OperatorError(`brand of app ${id}: has more than ${BRAND_NAMES_MAX} names`);
    return {
      ...before,
      brand: { ...before.brand, names: Object.fromEntries(kept), ...(wanted && { colors: wanted }), ...(logo && { logo }) },
    };
  });
  return brand!;
}

/** Removes the brand, so that pages show the app's id in the default colors. */
export const clearBrand = (apps: Pick<AppStore, "change">, id: string): Promise<unknown> =>
  apps.change(id, (before) => {
    if (!before) throw unknownApp(id);
    const { brand: _brand, ...rest } = before;
    return rest;
  });

const nameFaults = (names: Readonly<Record<string, string>>): string[] =>
  Object.entries(names).flatMap(([tag, name]) => [
    ...(LANGUAGE_TAG.test(tag) ? [] : [`name ${tag.slice(0, 40)} must begin with a language, for example en=Juniper Books`]),
    ...(name.length > BRAND_NAME_CHARS_MAX || /\p{Cc}/u.test(name)
      ? [`the name in ${tag.slice(0, 40)} must have at most ${BRAND_NAME_CHARS_MAX} characters, and no control characters`]
      : []),
  ]);
