// What deploy/docker/Dockerfile puts where, read from it and from .dockerignore, so that tests look at the image's files without a container.
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, posix } from "node:path";

export interface Instruction {
  /** "COPY", "RUN", … */
  name: string;
  rest: string;
}
export interface Stage {
  name: string;
  instructions: readonly Instruction[];
}

/** The stages in order, the image's own last; lines continued by a backslash are one. */
export function parseDockerfile(text: string): Stage[] {
  const lines = text
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const stages: { name: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    if (name === "FROM") stages.push({ name: /\bAS\s+(\S+)/i.exec(rest)?.[1] ?? "", instructions: [] });
    else stages.at(-1)?.instructions.push({ name, rest });
  }
  return stages;
}

/** Whether .dockerignore keeps the file out of the build: the last line that matches it, or a folder above it, decides. */
export function createIgnore(dockerignore: string): (path: string) => boolean {
  const rules = dockerignore
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ ignores: !line.startsWith("!"), pattern: toPattern(line.replace(/^!/, "").replace(/\/$/, "")) }));
  return (path) => rules.findLast(({ pattern }) => pattern.test(path))?.ignores ?? false;
}

const toPattern = (glob: string) =>
  new RegExp(
    `^${glob
      .split(/(\*\*\/|\*)/)
      .map((part) => (part === "**/" ? "(?:.*/)?" : part === "*" ? "[^/]*" : part.replace(/[.+^${}()|[\]\\]/g, "\\$&")))
      .join("")}(?:/.*)?$`,
  );

export const root = join(import.meta.dirname, "../..");

export const readDockerfile = (): Stage[] => parseDockerfile(readFileSync(join(root, "deploy/docker/Dockerfile"), "utf8"));

/** Every file of the tree that the build can see, from the root with slashes. */
export function contextFiles(): string[] {
  const ignored = createIgnore(readFileSync(join(root, ".dockerignore"), "utf8"));
  const skipped = ["node_modules", ".git", ".cache"];
  return globSync("**/*", { cwd: root, withFileTypes: true, exclude: (entry) => skipped.includes(entry.name) })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !ignored(path))
    .sort();
}

const IMPORT = /^(?:(import|export) type\b)?.*?(?:\bfrom |\bimport\(|^import |new URL\((?="\.))"([^"\s]+)"/gm;

export interface Reached {
  /** Files of ours and what imports them, from the root with slashes; existing or not. */
  files: Map<string, string>;
  /** Packages and a file that imports them. */
  packages: Map<string, string>;
}

/** What `entry` imports, directly and indirectly. Node strips type imports and loads none of them: they count only with `types`. */
export function reachedFrom(entry: string, { types }: { types: boolean }): Reached {
  const [files, packages] = [new Map<string, string>(), new Map<string, string>()];
  const visit = (path: string, from: string): void => {
    // A folder of a page's files, which are served by their names.
    if (path.endsWith("/")) {
      for (const name of readdirSync(join(root, path))) visit(path + name, from);
      return;
    }
    if (files.has(path)) return;
    files.set(path, from);
    if (!path.endsWith(".ts") || !existsSync(join(root, path))) return;
    for (const { 1: typeOnly, 2: target = "" } of readFileSync(join(root, path), "utf8").matchAll(IMPORT)) {
      if (typeOnly && !types) continue;
      if (target.startsWith(".")) visit(posix.join(posix.dirname(path), target), path);
      else if (!/^(node:|https?:)/.test(target) && !builtinModules.includes(target)) packages.set(packageName(target), path);
    }
  };
  visit(entry, "the entry point");
  return { files, packages };
}

const packageName = (specifier: string) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
