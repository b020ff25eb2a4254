/** One key of values.yaml. */
export interface CommentedValue {
  /** Dotted. */
  path: string;
  /** What stands above it; empty where nothing does. */
  comment: string;
  /** As it is written; empty where further keys follow below it. */
  written: string;
  /** The heading it stands under. */
  section: string;
}

/**
 * Keys of a values.yaml in their order. Reads what that file keeps to, not all of YAML: two spaces a level, a comment on lines of its own above
 * its key, lists and further maps on one line. `# ---- Title` begins a section.
 */
export function readCommentedValues(text: string): CommentedValue[] {
  const values: CommentedValue[] = [];
  const above: string[] = [];
  let comment: string[] = [];
  let section = "";
  for (const [index, line] of text.split("\n").entries()) {
    const [, title] = /^# ---- (.*)$/.exec(line) ?? [];
    const [, remark] = /^ *# ?(.*)$/.exec(line) ?? [];
    const [, indent = "", key, written = ""] = /^((?: {2})*)([A-Za-z][\w-]*):(?: (.*))?$/.exec(line) ?? [];
    if (title !== undefined) section = title;
    else if (remark !== undefined) comment.push(remark);
    else if (key !== undefined) {
      above.splice(indent.length / 2, Number.POSITIVE_INFINITY, key);
      values.push({ path: above.join("."), comment: comment.join(" "), written, section });
    } else if (line !== "") throw new Error(`values.yaml:${index + 1}: neither a comment nor a key on a line of its own`);
    if (remark === undefined || title !== undefined) comment = [];
  }
  return values;
}
