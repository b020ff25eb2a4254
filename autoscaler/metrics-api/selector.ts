/** One condition of a label selector; all of them must hold. As in Kubernetes, "not in" holds where the label is absent. */
export type Requirement = { kind: "in" | "not-in"; key: string; values: ReadonlySet<string> } | { kind: "exists" | "absent"; key: string };

/** This part of the text is not a label requirement as Kubernetes writes it. */
export interface SelectorFault {
  part: string;
}

const KEY = String.raw`(?:[a-z0-9.-]{1,253}/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?`;
const VALUE = /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/;
const EXISTS = new RegExp(`^${KEY}$`);
const ABSENT = new RegExp(`^!\\s*(${KEY})$`);
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([^\\s=!]*)$`);
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
/** A comma that is not between parentheses. */
const BETWEEN = /,(?![^()]*\))/;

/**
 * Parses a `labelSelector`: =, ==, !=, in, notin, key, !key. "" selects everything. Greater-than and less-than are rejected: no label here is a
 * number.
 */
export function parseSelector(text: string): readonly Requirement[] | SelectorFault {
  if (text.trim() === "") return [];
  const requirements: Requirement[] = [];
  for (const part of text.split(BETWEEN).map((p) => p.trim())) {
    const requirement = parseRequirement(part);
    if (requirement === undefined) return { part };
    requirements.push(requirement);
  }
  return requirements;
}

function parseRequirement(part: string): Requirement | undefined {
  if (EXISTS.test(part)) return { kind: "exists", key: part };
  const absent = ABSENT.exec(part)?.[1];
  if (absent !== undefined) return { kind: "absent", key: absent };
  const [, key, operator, rest] = EQUALITY.exec(part) ?? SET.exec(part) ?? [];
  if (key === undefined || rest === undefined) return undefined;
  const isSet = operator === "in" || operator === "notin";
  const values = isSet ? rest.split(",").map((v) => v.trim()) : [rest];
  if (!values.every((v) => VALUE.test(v))) return undefined;
  return { kind: operator === "!=" || operator === "notin" ? "not-in" : "in", key, values: new Set(values) };
}

export const selects = (requirements: readonly Requirement[], labels: Readonly<Record<string, string>>): boolean =>
  requirements.every((requirement) => holds(requirement, Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined));

function holds(requirement: Requirement, value: string | undefined): boolean {
  switch (requirement.kind) {
    case "in":
      return value !== undefined && requirement.values.has(value);
    case "not-in":
      return value === undefined || !requirement.values.has(value);
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
  }
}
