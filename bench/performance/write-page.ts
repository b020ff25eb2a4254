import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Page, pageOf } from "./page.ts";
import { QUESTIONS } from "./questions.ts";
import type { Result } from "./results.ts";
import { TARGETS } from "./targets.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = "docs/performance.md";
const IMAGES = "docs/images";

export function currentPage(results: readonly Result[]): Page {
  const template = readFileSync(join(import.meta.dirname, "page.template"), "utf8");
  return pageOf({ template, results, questions: QUESTIONS, targets: TARGETS });
}

/** Writes the page and its drawings, removes drawings it no longer shows, and returns the paths written. */
export function writePage(results: readonly Result[]): string[] {
  const { markdown, images } = currentPage(results);
  mkdirSync(join(ROOT, IMAGES), { recursive: true });
  for (const file of drawings()) if (!images.has(file)) rmSync(join(ROOT, IMAGES, file));
  const written = new Map([[PAGE, markdown], ...[...images].map(([file, svg]) => [`${IMAGES}/${file}`, svg] as const)]);
  for (const [path, text] of written) writeFileSync(join(ROOT, path), text);
  return [...written.keys()];
}

/** File names of all drawings that belong to the page. */
export const drawings = (): string[] => globSync("performance-*.svg", { cwd: join(ROOT, IMAGES) });

export const writtenPage = (): string => readFileSync(join(ROOT, PAGE), "utf8");
export const writtenDrawing = (file: string): string => readFileSync(join(ROOT, IMAGES, file), "utf8");
