import type { CommentedValue } from "./commented-values.ts";
import { RULES, type Schema } from "./rules.ts";

type Values = Record<string, unknown>;

const COMPONENTS = ["gateway", "preferences", "relay", "feedback", "console", "autoscaler"];

/**
 * Builds values.schema.json: types from the defaults, descriptions from the comments, the rest from RULES. A component accepts every key that it
 * inherits. Other keys are rejected, except in maps that RULES leave open. Throws where neither the default nor a rule gives a type.
 */
export function buildSchema(values: Values, comments: readonly CommentedValue[]): Schema {
  const described = new Map(comments.map(({ path, comment }) => [path, comment]));
  const of = (path: string) => schemaOf(path, valueAt(values, path), described);
  const schema = schemaOf("", values, described);
  const properties = schema.properties as Record<string, Schema>;
  for (const name of COMPONENTS) properties[name] = over(of(name), of("defaults"), "#/properties/defaults");
  const dispatcher = over(of("dispatcherDefaults"), of("defaults"), "#/properties/defaults");
  properties.dispatcherDefaults = dispatcher;
  const channels = (properties.dispatchers as { properties: Record<string, Schema> }).properties;
  for (const name of Object.keys(channels)) channels[name] = over(of(`dispatchers.${name}`), dispatcher, "#/properties/dispatcherDefaults");
  return { $schema: "https://json-schema.org/draft/2020-12/schema", title: "Values of the chart carillon", ...schema };
}

function schemaOf(path: string, value: unknown, described: ReadonlyMap<string, string>): Schema {
  const description = described.get(path);
  return { ...(description ? { description } : {}), ...(ruleFor(path) ?? typeOf(path, value, described)) };
}

const ruleFor = (path: string): Schema | undefined => RULES.find(([pattern]) => pattern.test(path))?.[1];

function typeOf(path: string, value: unknown, described: ReadonlyMap<string, string>): Schema {
  if (typeof value === "string" || typeof value === "boolean") return { type: typeof value };
  if (typeof value === "number") return Number.isInteger(value) ? { type: "integer", minimum: 0 } : { type: "number", minimum: 0 };
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string"))
    return { type: "array", items: { type: "string" } };
  if (!Array.isArray(value) && typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    const entries = Object.entries(value).map(([key, below]) => [key, schemaOf(path === "" ? key : `${path}.${key}`, below, described)]);
    return { type: "object", additionalProperties: false, properties: Object.fromEntries(entries) };
  }
  throw new Error(`values.yaml, ${path}: ${JSON.stringify(value)} does not imply a type; add a rule to scripts/chart/rules.ts`);
}

/**
 * `own` with the keys that it inherits from the schema at `pointer`. Values of required keys are inherited too, so nothing is required here, and a
 * schema with required keys is copied without `required` instead of referenced.
 */
function over(own: Schema, inherited: Schema, pointer: string): Schema {
  const ownProperties = propertiesOf(own);
  const inheritedProperties = propertiesOf(inherited);
  if (!ownProperties || !inheritedProperties) return own;
  const properties: Record<string, Schema> = { ...ownProperties };
  for (const [key, below] of Object.entries(inheritedProperties)) {
    const at = `${pointer}/properties/${key}`;
    if (properties[key]) properties[key] = over(properties[key], below, at);
    else properties[key] = JSON.stringify(below).includes('"required":') ? bare(below) : { $ref: at };
  }
  const { required: _, ...rest } = own;
  return { ...rest, properties };
}

/** Without descriptions and required keys. */
function bare({ description: _, required: __, ...schema }: Schema): Schema {
  const properties = propertiesOf(schema);
  return properties
    ? { ...schema, properties: Object.fromEntries(Object.entries(properties).map(([key, below]) => [key, bare(below)])) }
    : schema;
}

const propertiesOf = (schema: Schema) => schema.properties as Record<string, Schema> | undefined;

function valueAt(values: Values, path: string): unknown {
  return path.split(".").reduce<unknown>((at, key) => (at as Values)[key], values);
}
