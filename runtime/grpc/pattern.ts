/** Syntax that RE2 and JavaScript read alike. RE2's \s is these five; JavaScript's has twenty more. */
const RE2_SPACE = "\\t\\n\\f\\r ";
const SAME_ESCAPES = new Set([..."rntfdw.+*?()[]{}|^$\\/-"]);

/**
 * Compiles an RE2 pattern, as protovalidate's string.pattern is, into a test with the same result as RE2.
 * Throws for syntax that the two engines read differently, and for a pattern without ^ and $.
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  const unsupported = (what: string): never => {
    throw new Error(`pattern ${pattern}: ${what} is not supported; add it to runtime/grpc/pattern.ts`);
  };
  if (!pattern.startsWith("^") || !pattern.endsWith("$")) unsupported("a pattern without ^ and $");
  let source = "";
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === "\\") {
      const escaped = pattern[++i] ?? "";
      if (escaped === "s") source += inClass ? RE2_SPACE : `[${RE2_SPACE}]`;
      else if (SAME_ESCAPES.has(escaped)) source += escaped === "-" && !inClass ? "-" : `\\${escaped}`;
      else if (/^x[0-9a-f]{2}/.test(pattern.slice(i, i + 3))) source += "\\x";
      else unsupported(`\\${escaped}`);
      continue;
    }
    if (inClass && c === "[") unsupported("a class within a class");
    if (!inClass && c === ".") unsupported("a bare dot");
    if (!inClass && c === "(" && pattern[i + 1] === "?") unsupported("(?");
    if (c === "[") inClass = true;
    else if (c === "]") inClass = false;
    source += c;
  }
  const regex = new RegExp(source, "u");
  return (text) => regex.test(text);
}

/** True when `text` has more than `max` code points; stops counting as soon as that is known. */
export function longerThan(text: string, max: number): boolean {
  // A code point is one or two UTF-16 units.
  if (text.length <= max) return false;
  if (text.length > 2 * max) return true;
  let count = 0;
  for (const _ of text) if (++count > max) return true;
  return false;
}
