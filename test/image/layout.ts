// What deploy/docker/Dockerfile puts where, read from it and from .dockerignore, so that tests look at the image's files without a container.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

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
