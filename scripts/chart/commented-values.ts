import { isCollection, isMap, isNode, parseDocument, type YAMLMap } from "yaml";

/** One key of values.yaml. */
export interface CommentedValue {
  /** Dotted. */
  path: string;
  /** The comment above it, in one line; empty where there is none. */
  comment: string;
  /** The value as written; empty for a map whose keys follow below it. */
  written: string;
  /** The heading it stands under. */
  section: string;
}

export interface ValuesFile {
  values: Record<string, unknown>;
  /** Every key, in the file's order. */
  comments: CommentedValue[];
}

const HEADING = /^---- (.*)/;

/** Reads a values.yaml, in which a comment `# ---- Title` begins a section. YAML 1.1, as Helm reads it. Throws where it is not valid YAML. */
export function readValuesFile(text: string): ValuesFile {
  const document = parseDocument(text, { version: "1.1" });
  for (const error of document.errors) throw error;
  const comments: CommentedValue[] = [];
  let section = "";

  const visit = (map: YAMLMap, above: readonly string[]) => {
    for (const [index, { key, value }] of map.items.entries()) {
      // The parser gives what stands above a map's first key to the map, or to the document.
      const before = [index === 0 && (above.length === 0 ? document : map).commentBefore, isNode(key) && key.commentBefore];
      const paragraphs = before.flatMap((text) => (text || "").split(/\n\s*\n/)).map((text) => text.replace(/\s+/g, " ").trim());
      for (const text of paragraphs) section = HEADING.exec(text)?.[1] ?? section;
      const comment = paragraphs.findLast((text) => text !== "") ?? "";
      const path = [...above, String(key)];
      const isNested = isMap(value) && !value.flow;
      comments.push({
        path: path.join("."),
        comment: HEADING.test(comment) ? "" : comment,
        written: isNested ? "" : writtenAs(value),
        section,
      });
      if (isNested) visit(value, path);
    }
  };
  if (isMap(document.contents)) visit(document.contents, []);
  return { values: document.toJS() as Record<string, unknown>, comments };

  function writtenAs(value: unknown): string {
    if (!isNode(value) || !value.range) return "";
    if (isCollection(value) && !value.flow) throw new Error("values.yaml: write lists on one line, as [a, b]");
    return text.slice(value.range[0], value.range[1]);
  }
}
